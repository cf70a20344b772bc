package services

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/witness"
)

// Files of witnessing.
const (
	witnessPolicyFile = "witness-policy.txt"
	omniwitnessFile   = "omniwitness.yaml"
)

// verifier is the key of a generation of a log as witnesses and verifiers know
// it.
func (s *Source) verifier(g ledger.Generation) (checkpoint.Key, error) {
	_, pub, err := s.checkpointKey(g)
	if err != nil {
		return checkpoint.Key{}, err
	}
	key, err := checkpoint.New(g.Log.Kind, g.Log.Origin, pub)
	if err != nil {
		return checkpoint.Key{}, fmt.Errorf("%s: %w", g.Log.File.Path, err)
	}
	return key, nil
}

// WitnessPolicy is the tlog-policy of a generation of a log, and nil where the
// plan names no witness for it.
func (s *Source) WitnessPolicy(name string, g ledger.Generation) ([]byte, error) {
	witnesses, err := s.Plan.WitnessesOf(name)
	if err != nil || len(witnesses) == 0 {
		return nil, err
	}
	key, err := s.verifier(g)
	if err != nil {
		return nil, err
	}
	return witness.Format([]string{key.Verifier() + " " + g.Log.URL}, witnesses, s.Plan.Logs[name].Quorum), nil
}

// witnessed has a log ask its witnesses before it publishes a checkpoint. Both
// programs publish it all the same when too few answer.
func witnessed(s *Source, service *Service, name string, g ledger.Generation, flags ...string) error {
	policy, err := s.WitnessPolicy(name, g)
	if err != nil || policy == nil {
		return err
	}
	service.Files[witnessPolicyFile] = policy
	service.Arguments = append(service.Arguments, flags[0], "{dir}/"+witnessPolicyFile)
	service.Arguments = append(service.Arguments, flags[1:]...)
	key, err := s.verifier(g)
	if err != nil {
		return err
	}
	service.Files[omniwitnessFile] = fmt.Appendf(nil, "# For your own omniwitness: --additional_logs. A later line of the same origin is ignored.\nLogs:\n  - Origin: %s\n    PublicKey: %s\n    URL: %s\n",
		quote(g.Log.Origin), quote(key.Verifier()), quote(g.Log.URL))
	service.Notes = append(service.Notes, "it publishes checkpoints without cosignatures when its witnesses are down: `trustroot services check` is the alarm",
		"give each witness "+omniwitnessFile+"; the public witness network takes Ed25519 log keys only, so a witness of these P-256 logs is your own or a partner's")
	return nil
}

// staleCosignature is the age at which the newest cosignature is a mismatch: a
// log that is asked for signs a checkpoint at least this often.
const staleCosignature = 24 * time.Hour

// checkWitnesses holds the newest checkpoint against the plan's quorum. Nobody
// else does: the logs publish without it.
func checkWitnesses(q *inquiry, c *signedCheckpoint, g ledger.Generation) {
	data, err := q.source.WitnessPolicy(q.Name, g)
	if err == nil && data == nil {
		return
	}
	var policy *witness.Policy
	if err == nil {
		policy, err = witness.Parse(data)
	}
	if err != nil {
		unanswered(q, "witness-policy", "correct the plan's witnesses", "no quorum can be checked: %v", err)
		return
	}
	const repair = "start the witnesses that are missing, and see whether they know the log: they ask for the omniwitness.yaml that `trustroot services render` writes"
	r, err := policy.Check(c.raw)
	if err != nil {
		q.mismatch("witness-signature", repair, "a cosignature of its checkpoint does not hold: %v", err)
		return
	}
	q.Witnesses, q.Cosigned = len(r.Names), r.Newest
	l := q.source.Plan.Logs[q.Name]
	if !r.Satisfied {
		missing := slices.DeleteFunc(slices.Clone(l.Witnesses), func(name string) bool {
			key, _, _ := strings.Cut(q.source.Plan.Witnesses[name].Key, "+")
			return slices.Contains(r.Names, key)
		})
		q.mismatch("witness-quorum", repair, "its newest checkpoint, of size %d, has %d cosignatures of the %d that the plan wants: %s did not cosign; a log that shows two faces would not be found out",
			c.Size, len(r.Names), l.Quorum, strings.Join(missing, ", "))
	} else if age := q.source.Now.Sub(r.Newest); age > staleCosignature {
		q.mismatch("witness-stale", repair, "the newest cosignature of its checkpoint is of %s", r.Newest.Format(time.RFC3339))
	}
}

// Omniwitness is the configuration of a witness of one's own, for all rendered
// logs together.
func Omniwitness(rendered []Service) []byte {
	var out bytes.Buffer
	for _, s := range rendered {
		if _, logs, ok := bytes.Cut(s.Files[omniwitnessFile], []byte("Logs:\n")); ok {
			if out.Len() == 0 {
				out.WriteString("# For your own omniwitness: --additional_logs.\nLogs:\n")
			}
			out.Write(logs)
		}
	}
	return out.Bytes()
}
