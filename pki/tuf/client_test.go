package tuf

import _ "github.com/linnemanlabs/trustroot/pki/tuf/client" // the client that these tests ask
