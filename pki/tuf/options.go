package tuf

import (
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// Option changes how Publish, Refresh, Verify or Fetch works.
type Option func(*options)

type options struct {
	cache    string
	contents store.Store
	root     []byte
}

// Cache lets Verify and Fetch keep go-tuf's client cache in a directory, so that a
// repository that went back since the last call is found out.
func Cache(dir string) Option { return func(o *options) { o.cache = dir } }

// ContentFrom lets Publish take targets that a staged folder does not carry,
// because they did not change, from another store of the same repository.
func ContentFrom(st store.Store) Option { return func(o *options) { o.contents = st } }

// Anchor makes Refresh and Publish start from a root that the caller trusts,
// instead of the first one of the chain.
func Anchor(rootJSON []byte) Option { return func(o *options) { o.root = rootJSON } }

func collect(opts []Option) options {
	var o options
	for _, f := range opts {
		f(&o)
	}
	return o
}
