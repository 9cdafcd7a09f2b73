output "url" {
  description = "The page, and the base of the API."
  value       = "https://${var.domain}"
}

output "address" {
  description = "What the domain's A record must name. The certificate comes after that."
  value       = google_compute_global_address.installation.address
}

output "page_bucket" {
  description = "Where scripts/deploy puts the page."
  value       = google_storage_bucket.page.name
}

output "egress_address" {
  description = "What a client's firewall must let in; null without static_egress."
  value       = var.static_egress ? google_compute_address.egress[0].address : null
}
