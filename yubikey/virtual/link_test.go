package virtual

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestServe_ControlAndCommands(t *testing.T) {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader, card := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(c, card) }()
	exchange := func(message []byte) []byte {
		t.Helper()
		if err := writeFrame(reader, message); err != nil {
			t.Fatal(err)
		}
		answer, err := readFrame(reader)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for _, control := range []byte{vpcdOn, vpcdReset, vpcdOff, vpcdOn} {
		if err := writeFrame(reader, []byte{control}); err != nil {
			t.Fatal(err)
		}
		if got := exchange([]byte{vpcdATR}); !bytes.Equal(got, answerToReset) {
			t.Fatalf("answer to reset %x", got)
		}
	}
	exchange(unhex(t, "00A4040005A000000308"))
	if got := exchange(unhex(t, "00FD000000")); !bytes.Equal(got, unhex(t, "0507049000")) {
		t.Errorf("version %x", got)
	}
	if err := writeFrame(reader, []byte{vpcdReset}); err != nil {
		t.Fatal(err)
	}
	if got := exchange(unhex(t, "00FD000000")); !bytes.Equal(got, unhex(t, "6D00")) {
		t.Errorf("version after a reset %x", got)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("the end of the connection: %v", err)
	}
}

func TestWriteFrame_TooLong(t *testing.T) {
	if err := writeFrame(io.Discard, make([]byte, 65536)); err == nil {
		t.Error("a payload of 65536 bytes was written")
	}
}

// FuzzReadFrame: a frame that is read is as long as it says, and writing it
// again gives the bytes that it was read from.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 1, 4})
	f.Add([]byte{0, 5, 0x00, 0xFD, 0x00, 0x00, 0x00})
	f.Add([]byte{0, 9, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := readFrame(bytes.NewReader(b))
		if err != nil {
			return
		}
		var written bytes.Buffer
		if err := writeFrame(&written, payload); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, written.Bytes()) {
			t.Fatalf("%x written as %x", b, written.Bytes())
		}
	})
}

// readerBytes is one reader state as pcscd sends it.
func readerBytes(name string, state, atrLength uint32) []byte {
	b := make([]byte, readerStateSize)
	copy(b, name)
	copy(b[atrOffset:], answerToReset)
	binary.NativeEndian.PutUint32(b[stateOffset:], state)
	binary.NativeEndian.PutUint32(b[atrLengthOffset:], atrLength)
	return b
}

func TestParseReaderStates_CardOrNone(t *testing.T) {
	atr := uint32(len(answerToReset))
	list := parseReaderStates(join(
		readerBytes("with", readerHasCard, atr), readerBytes("", readerHasCard, atr),
		readerBytes("without", 2, atr), readerBytes("starting", readerHasCard, 0xFFFFFFFF),
	))
	if len(list) != 3 || !bytes.Equal(list[0].atr, answerToReset) || list[1].atr != nil || list[2].atr != nil {
		t.Errorf("%v", list)
	}
}

// FuzzParseReaderStates: every reader has a name that fits its field and an
// ATR that fits its own, and there are never more than the bytes have room for.
func FuzzParseReaderStates(f *testing.F) {
	f.Add(readerBytes("reader", readerHasCard, 23))
	f.Add(readerBytes("reader", readerHasCard, 34))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := parseReaderStates(b)
		if len(list) > len(b)/readerStateSize {
			t.Fatalf("%d readers in %d bytes", len(list), len(b))
		}
		for _, r := range list {
			if r.name == "" || len(r.name) > readerNameSize || len(r.atr) > atrSize {
				t.Fatalf("name %q, ATR %x", r.name, r.atr)
			}
		}
	})
}

func TestMissing_NamesPackages(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	oldDaemons, oldDrivers := daemonDirs, driverDirs
	t.Cleanup(func() { daemonDirs, driverDirs = oldDaemons, oldDrivers })
	daemonDirs, driverDirs = []string{t.TempDir()}, []string{t.TempDir()}
	err := Missing()
	if err == nil || !strings.Contains(err.Error(), "pcscd, libifdvpcd.so") ||
		!strings.HasSuffix(fault.Hint(err), "apt-get install --no-install-recommends pcscd vsmartcard-vpcd") ||
		fault.ExitCode(err) != int(fault.Device) {
		t.Errorf("%v: %s", err, fault.Hint(err))
	}
	if err := os.WriteFile(filepath.Join(daemonDirs[0], "pcscd"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err = Missing(); err == nil || !strings.HasSuffix(fault.Hint(err), "recommends vsmartcard-vpcd") {
		t.Errorf("%v: %s", err, fault.Hint(err))
	}
	dir := filepath.Join(t.TempDir(), "new")
	if _, startErr := Start(t.Context(), dir, &Card{}); startErr == nil || startErr.Error() != err.Error() {
		t.Errorf("Start: %v", startErr)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Start left a directory behind")
	}
	if err := os.WriteFile(filepath.Join(driverDirs[0], driverName), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Missing(); err != nil {
		t.Error(err)
	}
}

func TestTakePort_NeverTwice(t *testing.T) {
	taken := map[int]bool{}
	for range 20 {
		port, held, err := takePort()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = held.Close() })
		if taken[port] {
			t.Errorf("port %d taken twice", port)
		}
		taken[port] = true
		if _, err := reserve(port); err == nil {
			t.Errorf("port %d reserved twice", port)
		}
	}
}

func TestParseFirmware_Forms(t *testing.T) {
	if f, err := ParseFirmware("5.7.4"); err != nil || f != Firmware574 {
		t.Errorf("%v: %v", f, err)
	}
	for _, s := range []string{"", "5", "5.7", "5.7.4.1", "5.7.x", "5.7.256", "5.-7.4", "5..4"} {
		if f, err := ParseFirmware(s); err == nil {
			t.Errorf("%q read as %v", s, f)
		}
	}
}
