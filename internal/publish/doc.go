// Package publish makes what verifiers fetch from a trust directory, has it
// staged, and publishes what its holders signed.
package publish

import _ "github.com/linnemanlabs/trustroot/pki/tuf/client" // the client that judges before anything is published
