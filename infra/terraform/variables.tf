variable "name" {
  description = "Name of the stack; the functions, queues and log groups are named by it."
  type        = string
  default     = "opsknight"

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9-]{0,29}$", var.name))
    error_message = "A stack name has letters, digits and hyphens, 30 at most, and starts with a letter."
  }
}

variable "template" {
  description = "Path of the packaged template: what `sam package --output-template-file` wrote."
  type        = string
}

variable "bucket" {
  description = "Bucket that takes the templates; in the stack's region. The one of `sam package` will do."
  type        = string
}

variable "parameters" {
  description = "Parameters of template.yaml. What is not named keeps its default; CloudFormation checks them."
  type        = map(string)
  default     = {}
}

variable "observability" {
  description = "Whether the alarms and the dashboard (infra/observability.yaml) are made too."
  type        = bool
  default     = true
}

variable "observability_parameters" {
  description = "Parameters of infra/observability.yaml, such as Email or PageTopicArn."
  type        = map(string)
  default     = {}
}

variable "execution_role_arn" {
  description = "Role with which CloudFormation makes the stack (infra/deploy-role.yaml). Null: the caller's rights."
  type        = string
  default     = null
}

variable "notification_arns" {
  description = "SNS topics that hear of every step of a deploy."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of the stacks and of everything in them."
  type        = map(string)
  default     = { application = "opsknight" }
}
