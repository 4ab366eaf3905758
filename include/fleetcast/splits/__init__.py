"""Parts of bar time, cut once for the whole fleet and purged by the labels' reach."""
