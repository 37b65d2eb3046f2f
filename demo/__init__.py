"""The demo shop: a Dutch web shop in car parts, built by Faker and fixed rules, with ground truth."""
