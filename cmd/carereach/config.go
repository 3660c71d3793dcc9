package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

func configCommand(c *cli) *cobra.Command {
	return noun("config", "The configuration of a data folder", configPrintCommand(c), configValidateCommand(c))
}

func configPrintCommand(c *cli) *cobra.Command {
	return command("print", "Every key with the value in force: file, environment, default", cobra.NoArgs, func(context.Context, []string) error {
		cfg, err := app.LoadConfig(c.dir, c.environ)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(cfg)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		values := map[string]any{}
		if err := json.Unmarshal(raw, &values); err != nil {
			return fmt.Errorf("read JSON: %w", err)
		}
		return show(c, raw, values, func(p *page, values map[string]any) { configLines(p, "", values) })
	})
}

// configLines writes keys as the file spells them, nested ones joined by a dot.
func configLines(p *page, prefix string, values map[string]any) {
	for _, key := range sortedKeys(values) {
		if nested, ok := values[key].(map[string]any); ok {
			configLines(p, prefix+key+".", nested)
			continue
		}
		value, err := json.Marshal(values[key])
		if err != nil {
			value = []byte(err.Error()) // cannot be: it was just read from JSON
		}
		p.line("%s%s: %s", prefix, key, value)
	}
}

// validated is the answer of config validate.
type validated struct {
	Path  string `json:"path"`
	Valid bool   `json:"valid"`
}

func configValidateCommand(c *cli) *cobra.Command {
	return command("validate", "Read the configuration as every command does, and do nothing else", cobra.NoArgs, func(context.Context, []string) error {
		if _, err := app.LoadConfig(c.dir, c.environ); err != nil {
			return err
		}
		return showValue(c, validated{Path: filepath.Join(c.dir, app.ConfigFile), Valid: true}, func(p *page, v validated) { p.line("%s is valid", v.Path) })
	})
}
