"""Where rows come from: the Hugging Face Hub, release files, the embedded suite."""
