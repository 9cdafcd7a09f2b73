# One client's installation: its functions and what calls them. What holds data is in
# module data. Everything follows from functions.json and workflows-yaml: a new function
# needs no change here.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
      # Budgets belong to no project; their calls are counted on the shared one.
      configuration_aliases = [google.billing]
    }
  }
}
