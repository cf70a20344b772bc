package virtual

import (
	"fmt"
	"strconv"
	"strings"
)

// Firmware of the two generations that differ for a ceremony: management keys
// are 3DES in the first and AES-192 in the second, which also has the newer
// attestation hierarchy, Curve25519 and moving of keys.
var (
	Firmware543 = [3]byte{5, 4, 3}
	Firmware574 = [3]byte{5, 7, 4}
)

// firmware is a version, and with it the answer to what a token can do.
type firmware [3]byte

func (f firmware) String() string { return fmt.Sprintf("%d.%d.%d", f[0], f[1], f[2]) }

// ParseFirmware reads a version like 5.7.4.
func ParseFirmware(s string) ([3]byte, error) {
	var f [3]byte
	parts := strings.Split(s, ".")
	if len(parts) != len(f) {
		return f, fmt.Errorf("firmware %q: write a version like 5.7.4", s)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return f, fmt.Errorf("firmware %q: write a version like 5.7.4", s)
		}
		f[i] = byte(n)
	}
	return f, nil
}

func (f firmware) atLeast(major, minor, patch byte) bool {
	for i, b := range [3]byte{major, minor, patch} {
		if f[i] != b {
			return f[i] > b
		}
	}
	return true
}

func (f firmware) hasSerial() bool        { return f.atLeast(5, 0, 0) }
func (f firmware) hasMetadata() bool      { return f.atLeast(5, 3, 0) }
func (f firmware) hasAESManagement() bool { return f.atLeast(5, 4, 0) }
func (f firmware) hasMove() bool          { return f.atLeast(5, 7, 0) } // and the new algorithms

// hasNewHierarchy tells whether the token's f9 certificate comes from Yubico's
// attestation root of 2024, through intermediates.
func (f firmware) hasNewHierarchy() bool { return f.atLeast(5, 7, 4) }

// managementAlgorithm is the algorithm of the factory management key.
func (f firmware) managementAlgorithm() algorithm {
	if f.atLeast(5, 7, 0) {
		return algAES192
	}
	return alg3DES
}

// supports tells whether keys of the algorithm can be made or imported.
func (f firmware) supports(a algorithm) bool {
	switch a {
	case algP256, algP384, algRSA1024, algRSA2048:
		return true
	case algRSA3072, algRSA4096, algEd25519, algX25519:
		return f.hasMove()
	default:
		return false
	}
}

// formFactor is what device information and attestations say of the shape: a
// keychain with USB-C.
const formFactor = 0x03

// Factory values (Yubico, "PIV PIN, PUK and management key").
var (
	defaultPIN           = [8]byte{'1', '2', '3', '4', '5', '6', 0xff, 0xff}
	defaultPUK           = [8]byte{'1', '2', '3', '4', '5', '6', '7', '8'}
	defaultManagementKey = []byte{
		1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8,
	}
)

const defaultTries = 3
