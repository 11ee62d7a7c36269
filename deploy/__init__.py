"""Run exported networks on a backend, check them spike for spike, price what they did and report it."""
