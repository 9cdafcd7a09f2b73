# Everything waits for the project's services: who takes these comes after them.
output "project_id" {
  value      = google_project.client.project_id
  depends_on = [google_project_service.api]
}

output "project_number" {
  value      = google_project.client.number
  depends_on = [google_project_service.api]
}

output "buckets" {
  description = "The names in Cloud Storage by the product's names."
  value       = { for name, b in google_storage_bucket.data : name => b.name }
}

output "datasets" {
  value = keys(google_bigquery_dataset.warehouse)
}

output "storage_agent" {
  description = "The service account that announces finalized objects."
  value       = data.google_storage_project_service_account.agent.email_address
}

output "api_key" {
  description = "What the page signs in with at Identity Platform. It is public."
  value       = nonsensitive(google_apikeys_key.page.key_string)
}
