package overview

import (
	"context"
	"errors"
	"io/fs"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// Rebuilt writes trust/ anew after an entry of the ledger, where ledger and
// plan are whole enough, and says what changed. The entry stands whatever
// becomes of the files. It returns the trust directory if trust/ is whole, and
// else nil.
func Rebuilt(f *cmdutil.Factory) *trustdir.Dir {
	d, err := trustdir.Open(f.Dir)
	var changed []string
	if err == nil {
		changed, err = publish.Rebuild(d)
	}
	for _, name := range changed {
		f.Progress("wrote %s", name)
	}
	if err != nil {
		f.Progress("trust/ is not built yet: %v", err)
		return nil
	}
	return d
}

// Staged writes trust/ anew, stages the targets that verifiers do not have yet,
// and says who signs them. It returns the staged folder; empty where nothing
// is staged, which it explains: the entry of the ledger stands.
func Staged(ctx context.Context, f *cmdutil.Factory) string {
	d := Rebuilt(f)
	if d == nil || d.Plan.TUF == nil {
		return ""
	}
	_, unpublished := fs.Stat(d.FS(), trustdir.RepositoryDir+"/timestamp.json")
	published, err := publish.Published(d)
	if published || unpublished != nil && (!holders.Joined(d) || len(d.State.Authorities[plan.RootAuthority]) == 0) {
		return ""
	}
	client, errKMS := cloud.KMS(ctx, f, "")
	var s *tuf.Staged
	switch err = errors.Join(err, errKMS); {
	case err != nil:
	case unpublished != nil:
		s, err = publish.StageFirst(d, ctx, client, f.Now)
	default:
		s, err = publish.Stage(d, ctx, client, tuf.KindTargets, publish.StageOptions{}, f.Now)
	}
	if err == nil {
		f.Progress("staged in %s; send %s to the holders: each signs it with `trustroot-offline tuf sign`", s.Dir(), tuf.ChangeFile(s.Dir()))
		err = show.Missing(f, s)
	}
	if err != nil {
		f.Progress("the change is not staged yet; see `trustroot next`: %v", err)
		return ""
	}
	return s.Dir()
}
