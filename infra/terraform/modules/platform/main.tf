# The shared project: the images that every client's installation runs, and who builds
# them. It holds no client's data. The project itself exists before Terraform does,
# because the state is kept in it: see docs/deploy.md.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}

variable "project_id" {
  description = "The shared project."
  type        = string
}

variable "region" {
  description = "Where the images are kept: the region of most clients, for a start pulls its image."
  type        = string
}

resource "google_project_service" "api" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbilling.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "containerscanning.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
  ])
  project            = var.project_id
  service            = each.key
  disable_on_destroy = false
}

# A tag is made of what the image is made of and cannot move, so it names one image for
# ever, as a digest does, and is known before the image is built.
resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's own keys encrypt the images; they hold no client's data
  project       = var.project_id
  location      = var.region
  repository_id = "b2brecs"
  format        = "DOCKER"
  description   = "The deploy unit and the pipeline runtime"

  docker_config {
    immutable_tags = true
  }
  depends_on = [google_project_service.api]
}

# Cloud Build runs as an account of its own, not as the project's default one.
resource "google_service_account" "builder" {
  project      = var.project_id
  account_id   = "builder"
  display_name = "Builds the images"
  depends_on   = [google_project_service.api]
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

resource "google_project_iam_member" "builder" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.builder.member
}

# What gcloud uploads to build from.
resource "google_storage_bucket" "sources" {
  #checkov:skip=CKV_GCP_62:builds are in the audit log; a log of reads of a build's input tells nothing more
  #checkov:skip=CKV_GCP_78:a build's input is made again from the repository
  project                     = var.project_id
  name                        = "${var.project_id}-build-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    condition {
      age = 30 # days
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_storage_bucket_iam_member" "builder" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.builder.member
}

output "images" {
  description = "What the names of the images begin with."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "builder" {
  description = "The account that builds, as gcloud builds submit --service-account takes it."
  value       = google_service_account.builder.name
}

output "sources" {
  description = "The bucket that gcloud uploads a build's input to."
  value       = google_storage_bucket.sources.name
}
