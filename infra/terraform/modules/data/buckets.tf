# The product's buckets (shared/objects). delete_after and colder_after are in days.
locals {
  buckets = {
    # Files that people bring. A load can be repeated from them.
    uploads = { delete_after = null, colder_after = 30, cors = true }
    # The Parquet of a load between extraction and commit; a load waits one day at most.
    staging = { delete_after = 14, colder_after = null, cors = false }
    # Code, examples, models and metrics of experiments.
    pipelines = { delete_after = null, colder_after = 90, cors = false }
  }
}

resource "google_storage_bucket" "data" {
  #checkov:skip=CKV_GCP_62:reads are by the platform's own identities; Data Access audit logs are the account's choice
  #checkov:skip=CKV_GCP_78:soft delete brings back what was deleted or replaced; versions would be paid for without an end
  for_each = local.buckets

  project                     = google_project.client.project_id
  name                        = "${var.project_id}-${each.key}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.destroy_data

  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600
  }
  dynamic "cors" {
    for_each = each.value.cors ? [1] : []
    content {
      origin          = var.page_origins
      method          = ["PUT"]
      response_header = ["Content-Type", "x-goog-content-length-range"]
      max_age_seconds = 3600
    }
  }
  dynamic "lifecycle_rule" {
    for_each = each.value.delete_after == null ? [] : [each.value.delete_after]
    content {
      condition {
        age = lifecycle_rule.value
      }
      action {
        type = "Delete"
      }
    }
  }
  dynamic "lifecycle_rule" {
    for_each = each.value.colder_after == null ? [] : [each.value.colder_after]
    content {
      condition {
        age = lifecycle_rule.value
      }
      action {
        type          = "SetStorageClass"
        storage_class = "NEARLINE"
      }
    }
  }
  # Parts of uploads that nobody finished.
  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
  depends_on = [google_project_service.api]
}
