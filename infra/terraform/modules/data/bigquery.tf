# The warehouse. Names are those of shared/warehouse and shared/warehouse/bigquery;
# expire_after is in hours and no more than a safety net, for who makes such a table
# drops it.
locals {
  datasets = {
    raw_data        = { about = "Tables that loads fill", expire_after = null }
    ml              = { about = "What the product derives: examples, recommendations", expire_after = null }
    b2brecs_ledger  = { about = "The record of every commit", expire_after = null }
    b2brecs_staging = { about = "Tables of one commit or one export", expire_after = 24 }
  }
}

resource "google_bigquery_dataset" "warehouse" {
  #checkov:skip=CKV_GCP_81:Google's own keys encrypt at rest; keys of the client's are not part of this version
  for_each = local.datasets

  project                     = google_project.client.project_id
  dataset_id                  = each.key
  description                 = each.value.about
  location                    = var.region
  default_table_expiration_ms = each.value.expire_after == null ? null : each.value.expire_after * 3600 * 1000
  delete_contents_on_destroy  = var.destroy_data
  depends_on                  = [google_project_service.api]
}
