package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/nsmithuk/local-kms/src/config"
	"github.com/nsmithuk/local-kms/src/data"
	"github.com/nsmithuk/local-kms/src/handler"
	"github.com/sirupsen/logrus"
)

// serve runs local-kms over a database in dir until ctx ends, and prints its
// URL. Its own server binds every interface, so its handlers are served here.
func serve(ctx context.Context, dir string) error {
	config.AWSAccountId, config.AWSRegion, config.DatabasePath = "111122223333", "eu-west-1", dir
	database := data.NewDatabase(dir)
	defer database.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	logger := logrus.New()
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer(w, r, handler.NewRequestHandler(r, logger, database))
		}),
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Printf("http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// answer calls the method that X-Amz-Target names, as local-kms's own server
// does.
func answer(w http.ResponseWriter, r *http.Request, h *handler.RequestHandler) {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	method := reflect.ValueOf(h).MethodByName(name)
	if !method.IsValid() {
		http.Error(w, "not implemented: "+name, http.StatusNotImplemented)
		return
	}
	response, ok := method.Call(nil)[0].Interface().(handler.Response)
	if !ok {
		http.Error(w, "no response: "+name, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(response.Code)
	_, _ = fmt.Fprint(w, response.Body)
}
