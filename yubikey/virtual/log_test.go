package virtual

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"
)

func TestLog_LinesWithoutData(t *testing.T) {
	var log bytes.Buffer
	c := fresh(t, Options{Log: &log})
	secret := []byte("831906")
	key := bytes.Repeat([]byte{0xD5}, 24)
	verifyPIN(t, c, swOK, "123456")
	owner(t, c)
	commandData(t, c, swOK, "00FFFFFF", append([]byte{byte(algAES192), 0x9B, 24}, key...))
	commandData(t, c, swOK, "00FE119A", wrap(0x06, key, key[:8]))
	send(t, c, swOK, "0024008010", padded("123456"), padded(string(secret)))
	send(t, c, swOK, "002C008010", padded("12345678"), padded(string(secret)))
	verifyPIN(t, c, swOK, string(secret))
	c.Transmit([]byte{0x00, 0x20})
	line := regexp.MustCompile(`^\d+\t([0-9a-f]{2} ){3}[0-9a-f]{2}\tlc=\d+\tsw=[0-9a-f]{4}\t[0-9.µms]+\t[a-z-]+$`)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != c.Exchanges() {
		t.Errorf("%d lines for %d exchanges", len(lines), c.Exchanges())
	}
	for _, l := range lines[:len(lines)-1] {
		if !line.MatchString(l) {
			t.Errorf("line %q", l)
		}
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "malformed\tlc=0\tsw=6700") {
		t.Errorf("line %q", last)
	}
	for _, s := range [][]byte{secret, []byte("123456"), []byte("12345678"), key[:8], defaultManagementKey[:8]} {
		if strings.Contains(log.String(), string(s)) || strings.Contains(log.String(), hex.EncodeToString(s)) {
			t.Errorf("the log holds %x", s)
		}
	}
}

func TestLog_SaysThatNoAnswerLeft(t *testing.T) {
	var log bytes.Buffer
	c := fresh(t, Options{Log: &log, Faults: []Fault{{At: 2, Kind: FaultAnswerLost}}})
	c.Transmit(unhex(t, "00FD000000"))
	if !strings.Contains(log.String(), "2\t00 fd 00 00\tlc=0\tsw=none\t") {
		t.Errorf("log %q", log.String())
	}
}
