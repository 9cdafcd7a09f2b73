variable "data" {
  description = "The outputs of module data."
  type = object({
    project_id     = string
    project_number = string
    buckets        = map(string)
    datasets       = list(string)
    storage_agent  = string
    api_key        = string
  })
}

variable "region" {
  description = "That of module data. Vertex AI runs the pipelines in it, too."
  type        = string
}

variable "domain" {
  description = "Where the page and the API answer, e.g. recs.example.com. Its A record names the output address."
  type        = string
}

variable "owner_email" {
  description = "The first owner, let in at the first sign-in."
  type        = string
}

variable "alert_email" {
  description = "Who is told of alerts."
  type        = string
}

variable "oidc_issuer" {
  description = "Where people sign in, the iss of its tokens; null is the project's Identity Platform. Its token endpoint is on the same host."
  type        = string
  default     = null
  validation {
    condition     = var.oidc_issuer == null || can(regex("^https://[^/]+", var.oidc_issuer))
    error_message = "An issuer is an https address."
  }
}

variable "oidc_audience" {
  description = "The client ids of the installation there. Identity Platform's is the project."
  type        = list(string)
  default     = []
  validation {
    condition     = (var.oidc_issuer == null) == (length(var.oidc_audience) == 0)
    error_message = "An issuer and its client ids go together."
  }
}

variable "images" {
  description = "Where the images are, and the tags to run: see scripts/deploy."
  type = object({
    project    = string # the shared project
    location   = string
    repository = string
    function   = string # a tag of .../function
    pipeline   = string # a tag of .../runtime
  })
}

variable "billing_account" {
  description = "That of module data, for the budget."
  type        = string
}

variable "monthly_budget" {
  description = "What a month may cost before somebody is told; it stops nothing. null: no budget."
  type = object({
    amount   = number # whole units of the billing account's currency
    currency = string
  })
  default = null
}

variable "max_instances" {
  description = "The most instances of one function."
  type        = number
  default     = 20
}

variable "query_limit_gb" {
  description = "What one statement may read in BigQuery, in GB; more is refused before it costs anything."
  type        = number
  default     = 100
  validation {
    condition     = var.query_limit_gb >= 1 && var.query_limit_gb <= 1000000 && floor(var.query_limit_gb) == var.query_limit_gb
    error_message = "A whole number of GB from 1 to 1,000,000: functions take no other."
  }
}

variable "requests_per_minute" {
  description = "From one address, to the API; more is 429."
  type        = number
  default     = 1200
}

variable "static_egress" {
  description = "Functions that read sources come from one address that a client's firewall can let in."
  type        = bool
  default     = false
}
