package virtual

import (
	"errors"
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
