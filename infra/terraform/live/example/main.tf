# An environment: one client's installation. Copy this folder, give the copy the
# environment's name, write its terraform.tfvars, and run scripts/deploy NAME.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
  # scripts/deploy gives the bucket and the environment's name as the prefix.
  backend "gcs" {}
}

provider "google" {
  project               = var.project_id
  region                = var.region
  user_project_override = true
}

provider "google" {
  alias                 = "billing"
  user_project_override = true
  billing_project       = var.platform_project
}

module "data" {
  source          = "../../modules/data"
  project_id      = var.project_id
  billing_account = var.billing_account
  org_id          = var.org_id
  folder_id       = var.folder_id
  region          = var.region
  page_origins    = ["https://${var.domain}"]
  destroy_data    = var.destroy_data
}

module "client" {
  source = "../../modules/client"
  providers = {
    google         = google
    google.billing = google.billing
  }
  data                = module.data
  region              = var.region
  domain              = var.domain
  owner_email         = var.owner_email
  alert_email         = var.alert_email
  oidc_issuer         = var.oidc_issuer
  oidc_audience       = var.oidc_audience
  static_egress       = var.static_egress
  max_instances       = var.max_instances
  query_limit_gb      = var.query_limit_gb
  requests_per_minute = var.requests_per_minute
  billing_account     = var.billing_account
  monthly_budget      = var.monthly_budget
  images = {
    project    = var.platform_project
    location   = var.platform_region
    repository = "b2brecs"
    function   = var.function_tag
    pipeline   = var.pipeline_tag
  }
}
