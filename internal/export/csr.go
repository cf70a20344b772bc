package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
)

// CSRs has KMS sign a certification request for every generation of the
// named authorities, or of all, that has no certificate yet and whose key is
// in KMS, and writes each beside its evidence. A request that is there already
// is checked and kept. Nothing is written unless every key could be read.
func CSRs(d *trustdir.Dir, ctx context.Context, client *kms.Client, names []string, now time.Time) ([]Exported, error) {
	keys, err := chosen(d, names, "authorities")
	if err != nil {
		return nil, err
	}
	var open []kms.Planned
	for _, k := range keys {
		if k.Generation > len(d.State.Authorities[k.Name]) {
			open = append(open, k)
		}
	}
	if len(open) == 0 && len(names) > 0 {
		return nil, fault.New(fault.Usage, "plan the next generation; nothing was written", errors.New("every generation that was named has its certificate"))
	}
	return readAll(d, ctx, open, func(k kms.Planned) (read, error) { return csr(d, ctx, client, k, now) })
}

func csr(d *trustdir.Dir, ctx context.Context, client *kms.Client, k kms.Planned, now time.Time) (read, error) {
	if err := unmade(k); err != nil {
		return read{}, err
	}
	subject, dir := d.Plan.Authorities[k.Name].Subject, trustdir.GenerationDir(k.Kind, k.Name, k.Generation)
	there, err := present(d, dir, trustdir.CsrFile, trustdir.EvidenceFile)
	if err != nil {
		return read{}, err
	}
	if there {
		return keptCSR(d, k, dir, subject)
	}
	csr, evidence, err := client.CSR(ctx, k.ARN, subject, now)
	if err != nil {
		return read{}, err
	}
	if err := checkEvidence(k, evidence); err != nil {
		return read{}, err
	}
	text, err := evidence.Marshal()
	if err != nil {
		return read{}, err
	}
	return read{exportedOf(k, dir, evidence.ARN, evidence.SPKISHA256), map[string][]byte{trustdir.CsrFile: csr, trustdir.EvidenceFile: text}}, nil
}

// keptCSR checks a request that an earlier run wrote, as far as it can be
// without KMS: its own signature, the evidence beside it, the plan.
func keptCSR(d *trustdir.Dir, k kms.Planned, dir string, subject pki.Subject) (read, error) {
	refuse := func(err error) (read, error) {
		return read{}, fault.New(fault.Verification, "take "+dir+" away if nothing was signed over it, and run the same command again",
			fmt.Errorf("%s was written before and does not hold: %w", dir, err))
	}
	csrBytes, err := fs.ReadFile(d.FS(), dir+"/"+trustdir.CsrFile)
	if err != nil {
		return read{}, err
	}
	evidenceBytes, err := fs.ReadFile(d.FS(), dir+"/"+trustdir.EvidenceFile)
	if err != nil {
		return read{}, err
	}
	csr, err := pki.ParseRequest(csrBytes)
	if err != nil {
		return refuse(err)
	}
	evidence, err := kms.ParseEvidence(evidenceBytes)
	if err != nil {
		return refuse(err)
	}
	if csr.SPKISHA256 != evidence.SPKISHA256 {
		return refuse(fmt.Errorf("%s is for the key %s, %s records %s", trustdir.CsrFile, trustdir.Groups(csr.SPKISHA256), trustdir.EvidenceFile, trustdir.Groups(evidence.SPKISHA256)))
	}
	if err := errors.Join(checkEvidence(k, evidence), csr.CheckSubject(subject)); err != nil {
		return refuse(err)
	}
	return read{Exported: exportedOf(k, dir, evidence.ARN, evidence.SPKISHA256)}, nil
}

// checkEvidence holds a key as KMS showed it against the plan.
func checkEvidence(k kms.Planned, e kms.Evidence) error {
	key, err := kms.KeyOf(e)
	if err != nil {
		return err
	}
	if e.ARN != k.ARN {
		return fault.New(fault.Verification, "pin the key's ARN in the plan", fmt.Errorf("the key is %s, the plan names %s", e.ARN, k.ARN))
	}
	return errors.Join(kms.CheckKey(key, k.Algorithm, k.Role), checkPlanned(k, e.SPKISHA256))
}
