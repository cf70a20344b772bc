// Package show prints requests and staged changes.
package show

import (
	"fmt"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/describe"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
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
	return cmdutil.PrintJSON(f.Out, stagedView{s.Dir(), s.Kind, fmt.Sprintf("%x", s.Digest()), s.Sealed(), s.Versions(), status})
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

// Invite writes a challenge for a holder and says what to do with it.
func Invite(f *cmdutil.Factory, holder string) error {
	d, err := trustdir.Open(f.Dir)
	if err != nil {
		return err
	}
	token, slot, err := holders.Planned(d, holder)
	if err != nil {
		return err
	}
	path, err := holders.Invite(d, holder, f.Now)
	if err != nil {
		return err
	}
	f.Progress("send %s to %s: it says what to do, within 14 days", path, holder)
	return f.Print(map[string]any{"challenge": path, "holder": holder, "token": token, "slot": slot}, path+"\n")
}

// AcceptHolder checks a holder's reply and files it.
func AcceptHolder(f *cmdutil.Factory, file string, rehearsal bool) error {
	data, err := cmdutil.ReadFile(file)
	if err != nil {
		return err
	}
	d, err := trustdir.Open(f.Dir)
	if err != nil {
		return err
	}
	roots, err := ceremony.Roots(d.Plan, rehearsal)
	if err != nil {
		return err
	}
	holder, err := holders.Accept(d, data, roots, f.Now)
	if err != nil {
		return err
	}
	id, err := tuf.KeyID(holder.PublicKey)
	if err != nil {
		return err
	}
	f.Progress("%s is on file in holders/%s", holder.Name, holder.Name)
	return f.Print(map[string]string{"holder": holder.Name, "keyid": id}, fmt.Sprintf("%s  %s\n", id, holder.Name))
}
