// Package show prints requests and staged changes.
package show

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/pki"
)

// RequestJSON is the --json twin of a request's text.
type RequestJSON struct {
	request.Manifest
	Digest string `json:"digest"` // hex SHA-256 of the request's SHA256SUMS
	Words  string `json:"words"`
	Text   string `json:"text"` // what is printed without --json
}

// PrintRequest prints what a request asks for.
func PrintRequest(f *cmdutil.Factory, r *request.Request) error {
	if f.JSON {
		digest := r.Digest()
		return cmdutil.PrintJSON(f.Out, RequestJSON{r.Manifest, fmt.Sprintf("%x", digest), pki.Words(digest[:]), r.String()})
	}
	return cmdutil.PrintText(f.Out, r.String())
}
