package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"carereach/internal/access"
	"carereach/models"

	"golang.org/x/sys/unix"
)

// frame is one line of a daemon's answer: progress, a piece of the file, and at last the result or the error or both.
type frame struct {
	Progress *Progress       `json:"progress,omitempty"`
	Data     []byte          `json:"data,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *wireError      `json:"error,omitempty"`
	End      bool            `json:"end,omitempty"`
}

// wireError carries a models.Error over the socket.
type wireError struct {
	Kind    models.Kind `json:"kind"`
	Message string      `json:"message"`
}

// Listen makes the daemon's socket. A socket left by a daemon that is gone is replaced; one that answers is an error.
func Listen(ctx context.Context, path string) (*net.UnixListener, error) {
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(ctx, "unix", path); err == nil {
		return nil, errors.Join(conn.Close(), &models.Error{Kind: models.KindUnavail, Message: "a daemon already answers on " + path, Mend: "stop it first, or use it"})
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // members of the daemon's group may ask; each is known by uid
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

type peerKey struct{}

// peer is the user at the other end of a connection, as the kernel vouches for it.
type peer struct {
	uid int
	err error
}

func peerOf(c net.Conn) peer {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return peer{err: err}
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return peer{err: err}
	}
	if credErr != nil {
		return peer{err: credErr}
	}
	return peer{uid: int(cred.Uid)}
}

// Server answers verbs on l until ctx ends, then waits for the running ones.
func (a *App) Server(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/verb/{name}", a.serveVerb)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peerOf(c))
		}}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 90*time.Second)
		defer cancel()
		stopped <- srv.Shutdown(grace)
	})
	err := srv.Serve(l)
	if stop() {
		return err // Serve failed before ctx ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, <-stopped)
}

func (a *App) serveVerb(w http.ResponseWriter, r *http.Request) {
	out := &frameWriter{enc: json.NewEncoder(w), flush: http.NewResponseController(w)}
	if err := out.flush.EnableFullDuplex(); err != nil {
		http.Error(w, "full duplex is not supported", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	result, err := a.answer(r, out)
	end := frame{Result: result, End: true}
	if err != nil {
		end.Error = &wireError{Kind: models.KindOf(err), Message: err.Error()}
	}
	out.send(end)
}

func (a *App) answer(r *http.Request, out *frameWriter) (json.RawMessage, error) {
	p, ok := r.Context().Value(peerKey{}).(peer)
	if !ok || p.err != nil {
		return nil, &models.Error{Kind: models.KindRefused, Message: "the peer of this connection is not known", Mend: "connect over the unix socket"}
	}
	actor, err := a.Actor(r.Context(), p.uid, r.Header.Get(tokenHeader))
	if err != nil {
		return nil, err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &models.Error{Kind: models.KindUsage, Message: "the request is not multipart", Mend: "use the carereach command"}
	}
	first, err := parts.NextPart()
	if err != nil {
		return nil, fmt.Errorf("read arguments: %w", err)
	}
	args, err := io.ReadAll(io.LimitReader(first, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read arguments: %w", err)
	}
	return a.Do(r.Context(), r.PathValue("name"), &Call{Actor: actor, Files: partFiles{parts}, Out: out}, args)
}

// Actor finds who asks: the user whose token it is, else the user of that uid.
func (a *App) Actor(ctx context.Context, uid int, token string) (access.Actor, error) {
	if token != "" {
		return a.Guard.ActorByToken(ctx, token)
	}
	return a.Guard.ActorByUID(ctx, uid)
}

// tokenHeader carries a user's token; it never appears in a log.
const tokenHeader = "Carereach-Token"

// partFiles hands over the file parts of a multipart request.
type partFiles struct{ r *multipart.Reader }

func (f partFiles) Next() (string, io.Reader, error) {
	p, err := f.r.NextPart()
	if err != nil {
		return "", nil, err
	}
	return p.FormName(), p, nil
}

// frameWriter writes frames and flushes each.
type frameWriter struct {
	mu    sync.Mutex
	enc   *json.Encoder
	flush *http.ResponseController
	err   error
}

func (f *frameWriter) send(v frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = errors.Join(f.enc.Encode(v), f.flush.Flush())
	}
}

// Write sends a piece of the file.
func (f *frameWriter) Write(b []byte) (int, error) {
	f.send(frame{Data: b})
	return len(b), f.err
}

// Progress sends how far the verb has come.
func (f *frameWriter) Progress(p Progress) { f.send(frame{Progress: &p}) }
