package holders

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/linnemanlabs/trustroot"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// challengeLife is how long a holder may take to answer.
const challengeLife = 14 * 24 * time.Hour

const (
	challengeFile = "challenge.json"
	formerDir     = "former" // keys that a holder had before
)

// holderToken is what joining asks of a holder's token.
type holderToken interface {
	Slot(yubikey.Slot) (yubikey.SlotInfo, error)
	Generate(yubikey.Slot, yubikey.KeyOptions) (crypto.PublicKey, error)
	Attest(yubikey.Slot) (attestation.Pair, error)
	Signer(yubikey.Slot, crypto.PublicKey) (crypto.Signer, error)
}

// Invite makes a challenge for a holder of the plan and keeps it in
// holders/NAME/challenge.json, with the page that is sent to them beside it. An
// earlier one that was not answered no longer counts. It returns the page's
// path.
func Invite(d *trustdir.Dir, name string, now time.Time) (path string, err error) {
	token, slot, err := Planned(d, name)
	if err != nil {
		return "", err
	}
	challenge, err := tuf.NewChallenge(d.Plan.Organization, name, now, challengeLife)
	if err != nil {
		return "", err
	}
	text, err := challenge.Encode()
	if err != nil {
		return "", err
	}
	page := trustdir.InvitationOf(name)
	path = trustdir.HolderDir(name) + page
	head := fmt.Sprintf("# Invitation for %s\n\nAnswer by %s, on your own machine, with your own YubiKey:\n\n    trustroot-offline tuf join %s --serial %d --slot %s\n\n%s%s```\n\n",
		name, challenge.Expires.Format(time.DateOnly), page, token, slot, challengeFence, text)
	return path, d.Replace(map[string][]byte{trustdir.HolderDir(name) + challengeFile: text, path: append([]byte(head), trustroot.HolderPage...)})
}

// challengeFence opens the challenge in an invitation.
const challengeFence = "```json\n"

// ReadInvitation reads the challenge of an invitation, or a challenge by itself.
func ReadInvitation(data []byte) (*tuf.Challenge, error) {
	if _, rest, ok := bytes.Cut(data, []byte(challengeFence)); ok {
		data, _, _ = bytes.Cut(rest, []byte("```"))
	}
	return tuf.ParseChallenge(data)
}

// Join answers a challenge on the holder's own machine: it makes a P-256 key in
// a slot, or takes the one that is there, has the token attest it and sign the
// challenge. It needs no trust directory.
func Join(challenge *tuf.Challenge, token holderToken, slot yubikey.Slot) ([]byte, error) {
	info, err := token.Slot(slot)
	if err != nil {
		return nil, err
	}
	key := info.PublicKey
	if info.Empty {
		if key, err = token.Generate(slot, yubikey.KeyOptions{Algorithm: "P-256", PIN: "once", Touch: "always"}); err != nil {
			return nil, err
		}
	}
	pub, err := tuf.CheckKey(key)
	if err != nil {
		return nil, fault.New(fault.Device, "choose another slot with --slot, and have the plan name it", fmt.Errorf("slot %s: %w", slot, err))
	}
	pair, err := token.Attest(slot)
	if err != nil {
		return nil, err
	}
	slotCert, errS := pki.EncodeCertificate(pair.Slot)
	device, errD := pki.EncodeCertificate(pair.Device)
	signer, err := token.Signer(slot, pub)
	if err := errors.Join(errS, errD, err); err != nil {
		return nil, err
	}
	proof, err := tuf.Prove(challenge, signer, []string{string(slotCert), string(device)})
	if err != nil {
		return nil, err
	}
	return proof.Encode()
}

// Accept checks a holder's answer against the admin's own copy of the
// challenge, the plan and the attestation roots, and files key, attestation
// and proof in holders/NAME. A key that the holder had before is kept under
// former/.
func Accept(d *trustdir.Dir, data []byte, roots attestation.Roots, now time.Time) (tuf.Holder, error) {
	proof, err := tuf.ParseProof(data)
	if err != nil {
		return tuf.Holder{}, fault.New(fault.Verification, "have the holder send the file again, as `trustroot tuf join` wrote it", err)
	}
	name := proof.Challenge.Holder
	if _, _, err := Planned(d, name); err != nil {
		return tuf.Holder{}, err
	}
	kept, err := courier.ReadFile(d.Join(trustdir.HolderDir(name)+challengeFile), courier.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return tuf.Holder{}, fault.New(fault.Verification, "invite the holder with `trustroot tuf invite "+name+"`", fmt.Errorf("%s has no invitation that waits for an answer", name))
	}
	if err != nil {
		return tuf.Holder{}, err
	}
	challenge, err := tuf.ParseChallenge(kept)
	if err != nil {
		return tuf.Holder{}, err
	}
	holder, err := tuf.CheckProof(challenge, proof, now)
	if err != nil {
		return tuf.Holder{}, err
	}
	if len(proof.Attestation) != 2 {
		return tuf.Holder{}, fault.New(fault.Verification, "have the holder join with a key that the token made", fmt.Errorf("the proof of %s holds %d attestation certificates, not 2", name, len(proof.Attestation)))
	}
	slot, device := []byte(proof.Attestation[0]), []byte(proof.Attestation[1])
	if err := checkHolder(d, holder, slot, device, roots, now); err != nil {
		return tuf.Holder{}, err
	}
	public, err := pki.EncodePublicKey(holder.PublicKey)
	if err != nil {
		return tuf.Holder{}, err
	}
	if err := retire(d, name, public); err != nil {
		return tuf.Holder{}, err
	}
	dir := trustdir.HolderDir(name)
	// a token attests the same key in other bytes each time
	if err := d.Replace(map[string][]byte{
		dir + "attestation/slot.pem":   slot,
		dir + "attestation/device.pem": device,
		dir + "proof.json":             data,
	}); err != nil {
		return tuf.Holder{}, err
	}
	// last: with it the holder counts
	if err := d.WriteNew(trustdir.File{Name: dir + "key.pem", Data: public}); err != nil {
		return tuf.Holder{}, err
	}
	if err := os.Remove(d.Join(dir + trustdir.InvitationOf(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return tuf.Holder{}, fmt.Errorf("remove the invitation: %w", err)
	}
	return holder, os.Remove(d.Join(dir + challengeFile))
}

// retire moves a holder's files aside if they are of another key. The key goes
// last, so that an interrupted move is taken up again.
func retire(d *trustdir.Dir, name string, public []byte) error {
	old, err := courier.ReadFile(d.Join(trustdir.HolderDir(name)+"key.pem"), courier.MaxFile)
	if errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Equal(old, public) {
		return nil
	}
	if err != nil {
		return err
	}
	key, err := pki.ParsePublicKey(old)
	if err != nil {
		return fmt.Errorf("key of holder %s: %w", name, err)
	}
	id, err := tuf.KeyID(key)
	if err != nil {
		return err
	}
	aside := trustdir.HolderDir(name) + formerDir + "/" + id[:12] + "/"
	if err := os.MkdirAll(d.Join(aside), 0o755); err != nil {
		return fmt.Errorf("make the folder of former keys: %w", err)
	}
	for _, part := range []string{"attestation", "proof.json", "key.pem"} {
		if err := os.Rename(d.Join(trustdir.HolderDir(name)+part), d.Join(aside+part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep the former key of %s: %w", name, err)
		}
	}
	return nil
}

// WriteProof writes the one file that a holder hands over; it is never written
// over another.
func WriteProof(path string, data []byte) error {
	if err := durable.Write(path, data, 0o644); err != nil {
		return fault.New(fault.Failure, "name another file with --out; the key stays on the token, and joining again takes it", fmt.Errorf("write %s: %w", filepath.Base(path), err))
	}
	return nil
}
