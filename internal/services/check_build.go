package services

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// checkBuilt holds the files that answers are compared with against what
// ledger and plan build now: where they are behind, answers that agree with
// them agree with nothing. What they only lack is on its way to verifiers; an
// end that they do not have, or anything else, is a mismatch.
func checkBuilt(s *Source, inquiries []*inquiry) {
	local, err := fs.ReadFile(s.Files, localTrustedRoot)
	of := slices.IndexFunc(inquiries, func(q *inquiry) bool { return q.Program == TUF || q.Program == Copy })
	if err != nil || of < 0 {
		return // who compares says that it is missing
	}
	q := inquiries[of] // the repository, or the first copy: said once
	const repair = "`trustroot trusted-root build`, then stage it, have the holders sign, publish"
	built, err := trustedroot.Derive(s.Plan, s.State, s.Files)
	if err != nil {
		unanswered(q, "not-built", "`trustroot trusted-root build` says more", "ledger and plan do not build: %v", err)
		return
	}
	if !bytes.Equal(built, local) {
		lacks, err := trustedroot.Diff(local, built)
		for _, c := range lacks {
			report := q.mismatch
			if c.Kind == trustedroot.Added {
				report = q.notice
			}
			report("not-built", repair, "%s is behind the ledger: it %s", localTrustedRoot, lack(q, c))
		}
		switch {
		case err != nil:
			for line := range strings.SplitSeq(err.Error(), "\n") {
				q.mismatch("not-built", "find out who changed it, then "+repair, "%s is not what ledger and plan build: %s", localTrustedRoot, line)
			}
		case len(lacks) == 0:
			q.notice("not-built", repair, "%s says what ledger and plan build in other bytes", localTrustedRoot)
		}
	}
	config, err := trustedroot.DeriveSigningConfig(s.Plan, s.State, s.Files)
	if here, missing := fs.ReadFile(s.Files, localSigningConfig); missing == nil && err == nil && !bytes.Equal(here, config) {
		q.mismatch("not-built", "`trustroot signing-config build`, then stage it, have the holders sign, publish", "%s is not what ledger and plan build", localSigningConfig)
	}
}
