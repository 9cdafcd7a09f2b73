# The shared project. The state of every environment is in its bucket, made by hand
# before the first apply: see docs/deploy.md.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
  # The bucket comes from scripts/deploy: a backend takes no variables.
  backend "gcs" {
    prefix = "platform"
  }
}

variable "project_id" {
  type = string
}

variable "region" {
  type = string
}

provider "google" {
  project               = var.project_id
  region                = var.region
  user_project_override = true
}

module "platform" {
  source     = "../../modules/platform"
  project_id = var.project_id
  region     = var.region
}

output "images" {
  value = module.platform.images
}

output "builder" {
  value = module.platform.builder
}

output "sources" {
  value = module.platform.sources
}
