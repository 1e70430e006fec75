"""From a folder of pictures to a verified dataset on disk, its report, and a seeded split."""
