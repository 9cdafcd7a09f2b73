output "url" {
  value = module.client.url
}

output "address" {
  value = module.client.address
}

output "page_bucket" {
  value = module.client.page_bucket
}

output "egress_address" {
  value = module.client.egress_address
}
