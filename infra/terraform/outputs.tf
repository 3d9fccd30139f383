output "api_url" {
  description = "Base URL of the intake and of the management API."
  value       = aws_cloudformation_stack.main.outputs["ApiUrl"]
}

output "admin_key_secret_arn" {
  description = "Secret that holds the admin key; the key itself is not in Terraform's state."
  value       = aws_cloudformation_stack.main.outputs["AdminKeySecretArn"]
}

output "outputs" {
  description = "All outputs of the stack."
  value       = aws_cloudformation_stack.main.outputs
}
