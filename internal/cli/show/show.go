// Package show prints requests and staged changes.
package show

import (
	"fmt"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/describe"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// stagedJSON is the JSON twin of a staged change.
type stagedView struct {
	Folder   string           `json:"folder"`
	Kind     string           `json:"kind"`
	Digest   string           `json:"digest"` // hex SHA-256 of SHA256SUMS
	Sealed   bool             `json:"sealed"`
	Versions []tuf.Version    `json:"versions"`
	Status   []tuf.RoleStatus `json:"status"`
}

// Staged prints what waits for signatures, and the next step.
func Staged(f *cmdutil.Factory, s *tuf.Staged) error {
	f.Progress("staged in %s; send %s to the holders: each signs it with `trustroot-offline tuf sign %s --serial N`", s.Dir(), tuf.ChangeFile(s.Dir()), filepath.Base(tuf.ChangeFile(s.Dir())))
	if f.JSON {
		return StagedJSON(f, s)
	}
	described, refused := describe.Describe(s)
	if err := cmdutil.PrintText(f.Out, described.Text); err != nil {
		return err
	}
	return refused
}

// StagedJSON prints a staged change as JSON.
func StagedJSON(f *cmdutil.Factory, s *tuf.Staged) error {
	status, err := s.Status()
	if err != nil {
		return err
	}
	return cmdutil.PrintJSON(f.Out, stagedView{s.Dir(), s.Kind(), fmt.Sprintf("%x", s.Digest()), s.Sealed(), s.Versions(), status})
}

// Missing says who can still sign.
func Missing(f *cmdutil.Factory, s *tuf.Staged) error {
	missing, err := s.Missing()
	if err != nil {
		return err
	}
	for _, text := range missing {
		f.Progress("still missing: %s", text)
	}
	return nil
}

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
