// Package store keeps the published objects of a TUF repository in a directory
// or in an S3 bucket, over gocloud.dev/blob.
//
// An object is written once and never removed. Only timestamp.json is
// replaced. A directory holds plain files and nothing else, so any web server
// can serve it; a bucket's objects carry the cache headers of Headers. Writers
// keep out of each other's way by a lock file in a directory and by conditional
// writes in a bucket.
//
// The package refuses names that a directory or a bucket would store under
// another name. It knows nothing of TUF metadata; of the project it imports
// pki/tuf/objects.
package store
