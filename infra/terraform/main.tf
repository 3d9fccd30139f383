# The same stack as `sam deploy` makes: template.yaml stays the one description of it. Resources written
# again in HCL would be a second one, which nothing keeps equal, and SAM's routes, versions and aliases
# would have to be written out. CloudFormation also brings the rollback of a failed upgrade.

locals {
  # By content: a changed template is a new object, so that the stack sees the change.
  template_key      = "${var.name}/template-${filesha256(var.template)}.yaml"
  observability     = "${path.module}/../observability.yaml"
  observability_key = "${var.name}/observability-${filesha256(local.observability)}.yaml"
}

data "aws_s3_bucket" "templates" {
  bucket = var.bucket
}

# CloudFormation takes templates of more than 51,200 bytes from a bucket only.
resource "aws_s3_object" "template" {
  bucket = data.aws_s3_bucket.templates.id
  key    = local.template_key
  source = var.template

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "main" {
  name         = var.name
  template_url = "https://${data.aws_s3_bucket.templates.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  # The template is SAM's, and gives each function a role.
  capabilities = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"]
  parameters   = var.parameters
  iam_role_arn = var.execution_role_arn
  on_failure   = "ROLLBACK"
  tags         = var.tags

  notification_arns = var.notification_arns

  # A gradual upgrade (GradualDeployment) takes up to 100 minutes.
  timeouts {
    create = "60m"
    update = "120m"
    delete = "60m"
  }
}

resource "aws_s3_object" "observability" {
  count = var.observability ? 1 : 0

  bucket = data.aws_s3_bucket.templates.id
  key    = local.observability_key
  source = local.observability

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "observability" {
  count = var.observability ? 1 : 0

  name         = "${var.name}-observability"
  template_url = "https://${data.aws_s3_bucket.templates.bucket_regional_domain_name}/${aws_s3_object.observability[0].key}"
  parameters   = merge(var.observability_parameters, { StackName = aws_cloudformation_stack.main.name })
  iam_role_arn = var.execution_role_arn
  on_failure   = "ROLLBACK"
  tags         = var.tags

  notification_arns = var.notification_arns
}
