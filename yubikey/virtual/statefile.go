package virtual

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// stateFormat is the version of the state file.
const stateFormat = 1

// stateFile is a state as JSON. Slots and objects are named in hex, byte
// strings are base64, keys PKCS #8 and certificates DER.
type stateFile struct {
	Format        int                 `json:"format"`
	Serial        uint32              `json:"serial"`
	Firmware      string              `json:"firmware"`
	PIN           reference           `json:"pin"`
	PUK           reference           `json:"puk"`
	Management    managementKey       `json:"management"`
	Keys          map[string]*slotKey `json:"keys"`
	Objects       map[string][]byte   `json:"objects"`
	Root          []byte              `json:"attestation_root"`
	Intermediates [][]byte            `json:"attestation_intermediates"`
	Device        []byte              `json:"attestation_certificate"`
	DeviceKey     []byte              `json:"attestation_key"`
}

// maxStateFile bounds what is read: 24 slots and as many objects as a token
// has room for are far below it.
const maxStateFile = 1 << 20

// openState loads the state that the options name, or makes and saves one.
func openState(o Options) (*state, error) {
	if o.StateFile == "" {
		return newState(o)
	}
	info, err := os.Stat(o.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		s, err := newState(o)
		if err != nil {
			return nil, err
		}
		err = s.save(o.StateFile)
		return s, err
	}
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	if err := checkStateFile(o.StateFile, info); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(o.StateFile)
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	s, err := parseState(data)
	if err != nil {
		return nil, fmt.Errorf("state file %s: %w", o.StateFile, err)
	}
	err = s.matches(o)
	return s, err
}

func checkStateFile(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("state file %s: not a regular file", path)
	case info.Size() > maxStateFile:
		return fmt.Errorf("state file %s: %d bytes are too many for a card", path, info.Size())
	case info.Mode().Perm()&0o077 != 0:
		return fault.New(fault.Usage, "Run chmod 600 "+path+" once you know who could read the keys in it.",
			fmt.Errorf("state file %s: other users have access (mode %04o)", path, info.Mode().Perm()))
	}
	return nil
}

// matches refuses to play another token than the one that was asked for.
func (s *state) matches(o Options) error {
	if o.Serial != 0 && o.Serial != s.Serial {
		return fault.New(fault.Usage, "Name another state file, or leave the serial number out.",
			fmt.Errorf("state file %s is of serial number %d, not %d", o.StateFile, s.Serial, o.Serial))
	}
	if want := firmware(o.Firmware); want != (firmware{}) && want != s.Firmware {
		return fault.New(fault.Usage, "Name another state file, or leave the firmware out.",
			fmt.Errorf("state file %s is of firmware %s, not %s", o.StateFile, s.Firmware, want))
	}
	return nil
}

// save replaces the state file. With an empty path it does nothing.
func (s *state) save(path string) error {
	if path == "" {
		return nil
	}
	data, err := s.encode()
	if err != nil {
		return err
	}
	if err := durable.Replace(path, data, 0o600); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

func (s *state) encode() ([]byte, error) {
	deviceKey, err := x509.MarshalPKCS8PrivateKey(s.attestation.key)
	if err != nil {
		return nil, fmt.Errorf("encode attestation key: %w", err)
	}
	f := stateFile{
		Format: stateFormat, Serial: s.Serial, Firmware: s.Firmware.String(),
		PIN: s.PIN, PUK: s.PUK, Management: s.Management,
		Keys: map[string]*slotKey{}, Objects: map[string][]byte{},
		Root: s.attestation.root.Raw, Device: s.attestation.device.Raw, DeviceKey: deviceKey,
	}
	for slot, key := range s.Keys {
		f.Keys[strconv.FormatUint(uint64(slot), 16)] = key
	}
	for id, value := range s.Objects {
		f.Objects[strconv.FormatUint(uint64(id), 16)] = value
	}
	for _, cert := range s.attestation.intermediates {
		f.Intermediates = append(f.Intermediates, cert.Raw)
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return append(data, '\n'), nil
}

// parseState reads a state file and checks all of it, so that no command meets
// a half-read card.
func parseState(data []byte) (*state, error) {
	var f stateFile
	if err := strict.JSON(data, &f); err != nil {
		return nil, err
	}
	if f.Format != stateFormat {
		return nil, fmt.Errorf("format %d, where this program knows %d", f.Format, stateFormat)
	}
	s := &state{
		Serial: f.Serial, PIN: f.PIN, PUK: f.PUK, Management: f.Management,
		Keys: map[byte]*slotKey{}, Objects: map[uint32][]byte{},
	}
	version, err := ParseFirmware(f.Firmware)
	if err != nil {
		return nil, err
	}
	s.Firmware = version
	if s.Serial == 0 || !s.Firmware.atLeast(oldest[0], oldest[1], oldest[2]) {
		return nil, fmt.Errorf("no token has serial number %d and firmware %s", s.Serial, s.Firmware)
	}
	return s, errors.Join(
		s.PIN.valid("PIN"), s.PUK.valid("PUK"), s.Management.valid(s.Firmware),
		s.readKeys(f.Keys), s.readObjects(f.Objects), s.readChain(f),
	)
}

func (s *state) readKeys(keys map[string]*slotKey) error {
	var problems []error
	for name, key := range keys {
		slot, err := strconv.ParseUint(name, 16, 8)
		switch {
		case err != nil || !isKeySlot(byte(slot)):
			problems = append(problems, fmt.Errorf("%q is not a key slot", name))
		case key == nil:
			problems = append(problems, fmt.Errorf("slot %s: no key", name))
		default:
			if err := key.parse(); err != nil {
				problems = append(problems, fmt.Errorf("slot %s: %w", name, err))
			}
			s.Keys[byte(slot)] = key
		}
	}
	return errors.Join(problems...)
}

func (s *state) readObjects(objects map[string][]byte) error {
	var problems []error
	for name, value := range objects {
		id, err := strconv.ParseUint(name, 16, 32)
		if err != nil || len(value) == 0 || len(value) > maxObject {
			problems = append(problems, fmt.Errorf("object %q: %d bytes", name, len(value)))
			continue
		}
		s.Objects[uint32(id)] = value
	}
	return errors.Join(problems...)
}

func (s *state) readChain(f stateFile) error {
	chain := &s.attestation
	var err error
	if chain.root, err = x509.ParseCertificate(f.Root); err != nil {
		return fmt.Errorf("attestation root: %w", err)
	}
	for _, der := range f.Intermediates {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("attestation intermediate: %w", err)
		}
		chain.intermediates = append(chain.intermediates, cert)
	}
	if chain.device, err = x509.ParseCertificate(f.Device); err != nil {
		return fmt.Errorf("attestation certificate: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(f.DeviceKey)
	if err != nil {
		return fmt.Errorf("attestation key: %w", err)
	}
	own, ok := key.(*ecdsa.PrivateKey)
	if !ok || algorithmOf(own) != algP384 || !own.PublicKey.Equal(chain.device.PublicKey) {
		return errors.New("attestation key: not the P-384 key of its certificate")
	}
	chain.key = own
	return nil
}
