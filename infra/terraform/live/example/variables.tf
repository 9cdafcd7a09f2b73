# What they mean is said where they are used: modules/data and modules/client.
variable "platform_project" {
  type = string
}

variable "platform_region" {
  type = string
}

variable "project_id" {
  type = string
}

variable "billing_account" {
  type = string
}

variable "org_id" {
  type    = string
  default = null
}

variable "folder_id" {
  type    = string
  default = null
}

variable "region" {
  type = string
}

variable "domain" {
  type = string
}

variable "owner_email" {
  type = string
}

variable "alert_email" {
  type = string
}

variable "oidc_issuer" {
  type    = string
  default = null
}

variable "oidc_audience" {
  type    = list(string)
  default = []
}

variable "monthly_budget" {
  type = object({
    amount   = number
    currency = string
  })
  default = null
}

variable "static_egress" {
  type    = bool
  default = false
}

variable "max_instances" {
  type    = number
  default = 20
}

variable "query_limit_gb" {
  type    = number
  default = 100
}

variable "requests_per_minute" {
  type    = number
  default = 1200
}

# From scripts/deploy and scripts/destroy.
variable "function_tag" {
  type = string
}

variable "pipeline_tag" {
  type = string
}

variable "destroy_data" {
  type    = bool
  default = false
}
