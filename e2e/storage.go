package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
)

// storage is where Rekor keeps its logs: MariaDB and an S3 over a folder.
type storage struct {
	database, gateway string // addresses
}

// What a log is kept in: a database, a bucket, a folder. Generations share
// them, as the rendered files have it: the tree goes on under the new key. A log
// that is started with another name or key gets the spare ones.
const (
	own   = "log"
	spare = "spare"
)

// prepareDatabase makes MariaDB's own tables; it takes seconds, and needs
// nothing else to run.
func (w *world) prepareDatabase(ctx context.Context) error {
	_, err := w.command(ctx, nil, w.installDatabase, append(w.databaseFlags(), "--auth-root-authentication-method=normal", "--skip-test-db")...)
	return err
}

func (w *world) databaseFlags() []string {
	flags := []string{"--no-defaults", "--datadir=" + w.path("mariadb"), "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M"}
	if os.Getuid() == 0 {
		flags = append(flags, "--user=root") // it refuses root unless told
	}
	return flags
}

// startStorage starts both.
func (w *world) startStorage(ctx context.Context) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	w.storage = storage{database: "127.0.0.1:" + ports[0], gateway: "127.0.0.1:" + ports[1]}
	// the server of Rekor has its database made, and does not run as a user without a name
	statements := []string{fmt.Sprintf("CREATE USER 'rekor'@'%%' IDENTIFIED BY '%s';", secret)}
	for _, store := range []string{own, spare, fork, adopted} {
		statements = append(statements, fmt.Sprintf("CREATE DATABASE %s;", store), fmt.Sprintf("GRANT ALL ON %s.* TO 'rekor'@'%%';", store))
		if err := os.MkdirAll(w.path("s3", store), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(w.path("mariadb.sql"), []byte(strings.Join(statements, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	database, err := w.start("mariadb", nil, w.mariadb, append(w.databaseFlags(), "--port="+ports[0], "--bind-address=127.0.0.1",
		"--socket="+w.path("mariadb.sock"), "--pid-file="+w.path("mariadb.pid"), "--init-file="+w.path("mariadb.sql"),
		"--skip-name-resolve", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--performance-schema=OFF")...)
	if err != nil {
		return err
	}
	gateway, err := w.start("versitygw", nil, w.gateway, "--access", access, "--secret", secret, "--region", region, "--port", w.storage.gateway, "posix", w.path("s3"))
	if err != nil {
		return err
	}
	if err := database.until(ctx, func(context.Context) error { return listens(w.storage.database) }); err != nil {
		return err
	}
	return gateway.until(ctx, func(ctx context.Context) error { return answers(ctx, "http://"+w.storage.gateway) })
}

// rekorEnv are the variables that the rendered files ask for.
func (w *world) rekorEnv(store string) map[string]string {
	return map[string]string{
		"REKOR_BUCKET":    store,
		"REKOR_MYSQL_DSN": fmt.Sprintf("rekor:%s@tcp(%s)/%s", secret, w.storage.database, store),
	}
}

func listens(address string) error {
	conn, err := net.Dial("tcp", address) //nolint:gosec // on loopback
	if err != nil {
		return err
	}
	return conn.Close()
}

// portFree wants nobody to listen on a port of this machine.
func portFree(port string) error {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return fmt.Errorf("something listens on port %s, where the timestamp server's metrics go, as no flag of it can change: %w", port, err)
	}
	return l.Close()
}
