"""What people do with VGGish, one file a job."""
