package virtual

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Where the daemon and the driver are looked for: pcscd also in the
// directories that a user's PATH lacks.
var (
	daemonDirs = []string{"/usr/sbin", "/usr/local/sbin", "/sbin"}
	driverDirs = []string{"/usr/lib/pcsc/drivers/serial", "/usr/local/lib/pcsc/drivers/serial", "/usr/lib64/pcsc/drivers/serial"}
)

const driverName = "libifdvpcd.so"

// installation is what Start needs of the machine.
type installation struct{ daemon, driver string }

// Missing returns nil when the machine has what Start needs, or one error that
// names what it lacks, with a hint that holds the command to install it.
func Missing() error {
	_, err := findInstallation()
	return err
}

func findInstallation() (installation, error) {
	if err := supported(); err != nil {
		return installation{}, err
	}
	var found installation
	var problems, packages []string
	if found.daemon = findDaemon(); found.daemon == "" {
		problems, packages = append(problems, "pcscd"), append(packages, "pcscd")
	}
	if found.driver = firstFile(driverDirs, driverName); found.driver == "" {
		problems = append(problems, driverName+" (vpcd)")
		packages = append(packages, "vsmartcard-vpcd")
	}
	if len(problems) > 0 {
		return found, fault.New(fault.Device,
			"Install it with: sudo apt-get install --no-install-recommends "+strings.Join(packages, " "),
			errors.New("virtual readers: not installed: "+strings.Join(problems, ", ")))
	}
	return found, nil
}

func findDaemon() string {
	if path, err := exec.LookPath("pcscd"); err == nil {
		return path
	}
	return firstFile(daemonDirs, "pcscd")
}

// firstFile returns the first regular file with the name in the directories,
// or "".
func firstFile(dirs []string, name string) string {
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// slotsSymbol is the constant of vpcd that says how many slots a reader has.
const slotsSymbol = "vicc_max_slots"

// readDriver returns vpcd's driver with one slot a reader instead of two:
// programs that want exactly one card refuse a second, empty slot.
func readDriver(path string) ([]byte, error) {
	driver, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("driver of the readers: %w", err)
	}
	at, err := slotsOffset(driver)
	if err != nil {
		return nil, fmt.Errorf("driver of the readers %s: %w", path, err)
	}
	driver[at] = 1
	return driver, nil
}

// slotsOffset returns where in the file the constant lies, one byte.
func slotsOffset(driver []byte) (uint64, error) {
	f, err := elf.NewFile(bytes.NewReader(driver))
	if err != nil {
		return 0, err
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return 0, err
	}
	for _, s := range symbols {
		if s.Name != slotsSymbol || int(s.Section) >= len(f.Sections) {
			continue
		}
		section := f.Sections[s.Section]
		at := section.Offset + s.Value - section.Addr
		if s.Size != 1 || section.Type != elf.SHT_PROGBITS || at >= uint64(len(driver)) || driver[at] != 2 {
			break
		}
		return at, nil
	}
	return 0, errors.New("not vpcd as known: no constant " + slotsSymbol + " of two")
}
