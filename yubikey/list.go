//go:build cgo

package yubikey

import (
	"context"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// List reads every YubiKey that is plugged in. What cannot be read, such as a
// token that another process holds, has a Problem and does not stop the rest.
// No PIN is sent.
func List(ctx context.Context) ([]Info, error) {
	readers, err := readers()
	if err != nil {
		return nil, err
	}
	infos := []Info{}
	for _, reader := range readers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		yk, id, err := dial(reader)
		if errors.Is(err, errNoCard) {
			continue
		}
		info := Info{Identity: id, PINRetries: -1, PUKRetries: -1, Slots: []SlotInfo{}}
		if err != nil {
			info.Identity.Reader = reader
			info.Problem = err
		} else {
			t := &Token{yk: yk, id: id, known: map[Slot]SlotInfo{}}
			info.Problem = errors.Join(survey(t, &info), t.Close())
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// Info reads the open token as List does.
func (t *Token) Info() (Info, error) {
	info := Info{Identity: t.id, PINRetries: -1, PUKRetries: -1, Slots: []SlotInfo{}}
	if err := t.open(); err != nil {
		return info, err
	}
	err := survey(t, &info)
	return info, err
}

func survey(t *Token, info *Info) error {
	form, err := t.yk.FormFactor()
	if err != nil && (kind(err) != nil) {
		return explain("read the form factor", err)
	}
	if err == nil {
		info.Identity.FormFactor = attestation.FormFactorName(byte(form))
	}
	if info.PINRetries, err = t.Retries(); err != nil {
		return err
	}
	for _, s := range slots {
		slot, err := t.Slot(s)
		if err != nil {
			return err
		}
		if !slot.Empty || slot.Certificate != nil {
			info.Slots = append(info.Slots, slot)
		}
	}
	if t.id.Firmware.Less(soundFirmware) {
		info.Warnings = append(info.Warnings, fmt.Sprintf(
			"firmware %s leaks ECDSA keys to someone who holds the token (EUCLEAK, YSA-2024-03); 5.7 and newer do not", t.id.Firmware))
	}
	if t.id.Firmware.Less(metadataFirmware) {
		info.Warnings = append(info.Warnings, fmt.Sprintf(
			"firmware %s does not tell whether PIN, PUK and management key are still the factory's, nor whether a slot holds an imported key", t.id.Firmware))
		return nil
	}
	return surveyCredentials(t, info)
}

func surveyCredentials(t *Token, info *Info) error {
	err := without(t, func() error {
		return withRaw(t.id.Reader, func(r *raw) error {
			for _, c := range []struct {
				ref  byte
				name string
				left *int
			}{{refPIN, "PIN", &info.PINRetries}, {refPUK, "PUK", &info.PUKRetries}, {refManagement, "management key", nil}} {
				got, err := r.credential(c.ref)
				if err != nil {
					return err
				}
				if c.left != nil {
					*c.left = got.left
				}
				if got.factory {
					info.Warnings = append(info.Warnings, "the "+c.name+" is still the factory's, which everybody knows")
				}
			}
			return nil
		})
	})
	return explain("read the state of PIN and PUK", err)
}
