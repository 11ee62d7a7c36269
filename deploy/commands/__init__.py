"""The commands of deployment, one file each."""
