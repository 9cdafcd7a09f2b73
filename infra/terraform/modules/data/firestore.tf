# State. The indexes are those that the product's queries need: the file is generated
# from their list in shared/state/firestore.
locals {
  root    = abspath("${path.module}/../../../..")
  indexes = jsondecode(file("${local.root}/shared/state/firestore/indexes.json"))
}

resource "google_firestore_database" "state" {
  project                           = google_project.client.project_id
  name                              = "(default)"
  location_id                       = var.region
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.destroy_data ? "DELETE_PROTECTION_DISABLED" : "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = var.destroy_data ? "DELETE" : "ABANDON"
  depends_on                        = [google_project_service.api]
}

resource "google_firestore_backup_schedule" "daily" {
  project   = google_project.client.project_id
  database  = google_firestore_database.state.name
  retention = "604800s" # a week

  daily_recurrence {}
}

resource "google_firestore_index" "query" {
  for_each = { for i in local.indexes.indexes : join(" ", [for f in i.fields : "${f.fieldPath} ${f.order}"]) => i }

  project     = google_project.client.project_id
  database    = google_firestore_database.state.name
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value.fieldPath
      order      = fields.value.order
    }
  }
}

# A field with no index at all has an empty index_config.
resource "google_firestore_field" "override" {
  for_each = { for o in local.indexes.fieldOverrides : o.fieldPath => o }

  project    = google_project.client.project_id
  database   = google_firestore_database.state.name
  collection = each.value.collectionGroup
  field      = each.key

  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes
      content {
        order       = indexes.value.order
        query_scope = indexes.value.queryScope
      }
    }
  }
}
