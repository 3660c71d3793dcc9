package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"carereach/models"
)

// Client asks verbs of the daemon of a carereach folder, or does them in this process when no daemon lives.
type Client struct {
	Dir   string
	Token string // of the user that asks; empty: the user of this process's uid
}

// Do runs one verb with args (any JSON value). Progress and the file of the verb go to out. The result may come with an
// error: what was done before it failed.
func (c Client) Do(ctx context.Context, name string, args any, files FileSource, out Sink) (json.RawMessage, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", name, err)
	}
	cfg, err := LoadConfig(c.Dir, os.Environ())
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", cfg.socketPath(c.Dir))
	if err == nil {
		return c.remote(ctx, conn, name, raw, files, out)
	}
	a, err := Open(ctx, c.Dir, cfg, Options{})
	if err != nil {
		return nil, err
	}
	actor, err := a.Actor(ctx, os.Getuid(), c.Token)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	result, err := a.Do(ctx, name, &Call{Actor: actor, Files: files, Out: out}, raw)
	return result, errors.Join(err, a.Close())
}

// remote asks over an open connection to the daemon.
func (c Client) remote(ctx context.Context, conn net.Conn, name string, args []byte, files FileSource, out Sink) (json.RawMessage, error) {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://carereach/v1/verb/"+name, body)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	if c.Token != "" {
		req.Header.Set(tokenHeader, c.Token)
	}
	broken := make(chan error, 1)
	go func() {
		err := upload(form, args, files)
		if err != nil {
			broken <- err
		}
		w.CloseWithError(err)
	}()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		select {
		case mine := <-broken: // what was sent broke off on this side
			return nil, mine
		default:
		}
		return nil, &models.Error{Kind: models.KindUnavail, Message: "the daemon did not answer", Mend: "look at its log; carereach doctor", Cause: err}
	}
	defer resp.Body.Close()
	return readFrames(resp.Body, out)
}

func upload(form *multipart.Writer, args []byte, files FileSource) error {
	part, err := form.CreateFormField("args")
	if err != nil {
		return err
	}
	if _, err := part.Write(args); err != nil {
		return err
	}
	for {
		name, content, err := files.Next()
		if errors.Is(err, io.EOF) {
			return form.Close()
		}
		if err != nil {
			return err
		}
		if part, err = form.CreateFormFile(name, filepath.Base(name)); err != nil {
			return err
		}
		if _, err := io.Copy(part, content); err != nil {
			return err
		}
	}
}

func readFrames(r io.Reader, out Sink) (json.RawMessage, error) {
	dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
	for {
		var f frame
		if err := dec.Decode(&f); err != nil {
			return nil, &models.Error{Kind: models.KindUnavail, Message: "the daemon stopped in the middle of its answer", Mend: "ask again when it is back; what was done is durable", Cause: err}
		}
		switch {
		case f.Progress != nil:
			out.Progress(*f.Progress)
		case f.End:
			if f.Error != nil {
				return f.Result, &models.Error{Kind: f.Error.Kind, Message: f.Error.Message}
			}
			return f.Result, nil
		default:
			if _, err := out.Write(f.Data); err != nil {
				return nil, err
			}
		}
	}
}
