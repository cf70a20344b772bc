package store

import (
	"path"
	"strings"
)

// Cache-Control values. A versioned or hash-named object never changes;
// timestamp.json is asked for again each time.
const (
	cacheForEver = "public, max-age=31536000, immutable"
	cacheNever   = "no-cache"
)

// Headers returns the Cache-Control and Content-Type of an object. A bucket
// stores them; a web server in front of a directory should send the same.
func Headers(name string) (cacheControl, contentType string) {
	cacheControl = cacheForEver
	if name == "timestamp.json" {
		cacheControl = cacheNever
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		contentType = "application/json"
	case ".jsonl", ".pem", ".pub", ".crt", ".txt":
		contentType = "text/plain; charset=utf-8"
	default:
		contentType = "application/octet-stream"
	}
	return cacheControl, contentType
}
