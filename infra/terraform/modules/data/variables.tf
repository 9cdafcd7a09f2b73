variable "project_id" {
  description = "The client's project; it is made here. Bucket names begin with it."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "billing_account" {
  description = "XXXXXX-XXXXXX-XXXXXX."
  type        = string
}

variable "org_id" {
  description = "The organization the project is in; null with folder_id, or for an account without one."
  type        = string
  default     = null
}

variable "folder_id" {
  description = "The folder the project is in."
  type        = string
  default     = null
}

variable "region" {
  description = "Where data lives and everything runs. Firestore's and BigQuery's cannot be changed."
  type        = string
}

variable "page_origins" {
  description = "Origins whose pages may upload files and sign in, https://…"
  type        = list(string)
}

variable "destroy_data" {
  description = "Lets a destroy take the data, and the project with it. Set by scripts/destroy --with-data alone."
  type        = bool
  default     = false
}
