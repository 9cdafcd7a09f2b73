# What a client owns: the project, and in it everything that holds data. It is apart
# from module client so that a client's services can be taken down and their data stay.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}

resource "google_project" "client" {
  #checkov:skip=CKV2_GCP_5:Data Access audit logs of every service are the account's choice; they are priced by volume
  project_id          = var.project_id
  name                = var.project_id
  org_id              = var.org_id
  folder_id           = var.folder_id
  billing_account     = var.billing_account
  auto_create_network = false
  deletion_policy     = var.destroy_data ? "DELETE" : "PREVENT"
}

resource "google_project_service" "api" {
  for_each = toset([
    "aiplatform.googleapis.com",
    "apikeys.googleapis.com",
    "bigquery.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "identitytoolkit.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "securetoken.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com",
    "workflowexecutions.googleapis.com",
    "workflows.googleapis.com",
  ])
  project            = google_project.client.project_id
  service            = each.key
  disable_on_destroy = false
}

# Asking for the agent makes it; it announces finalized objects.
data "google_storage_project_service_account" "agent" {
  project    = google_project.client.project_id
  depends_on = [google_project_service.api]
}

# What the page signs in with at Identity Platform, where people do. It is public, as the
# key of every such page, and opens nothing but sign-ins from the page's own address. It
# is here and not with the services because the name of a deleted key stays taken for 30
# days (https://cloud.google.com/docs/authentication/api-keys#undelete).
resource "google_apikeys_key" "page" {
  project      = google_project.client.project_id
  name         = "page"
  display_name = "The page's sign-in"

  restrictions {
    api_targets {
      service = "identitytoolkit.googleapis.com"
    }
    api_targets {
      service = "securetoken.googleapis.com"
    }
    browser_key_restrictions {
      allowed_referrers = [for origin in var.page_origins : "${origin}/*"]
    }
  }
  depends_on = [google_project_service.api]
}
