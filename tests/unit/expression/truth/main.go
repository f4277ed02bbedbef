// Command truth evaluates cases with the very libraries of Argo Workflows v4.0.7 (the template and
// expression packages of the controller, expr-lang, sprig, govaluate). It reads truth.json from
// standard input and prints it with the value or the error of each case:
//
//	GOFLAGS=-mod=mod go run . < ../truth.json > new.json && mv new.json ../truth.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/Knetic/govaluate"
	"github.com/argoproj/argo-workflows/v4/util/expr/env"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	"github.com/argoproj/argo-workflows/v4/util/template"
	"github.com/expr-lang/expr"
)

type testCase struct {
	Kind   string   `json:"kind"` // expr, when or tags
	Source string   `json:"source"`
	Strict []string `json:"strict,omitempty"` // of tags: prefixes that must resolve, or "*"
	Value  any      `json:"value,omitempty"`
	Error  string   `json:"error,omitempty"`
}

type truth struct {
	Names map[string]map[string]any `json:"names"` // by kind
	Cases []testCase                `json:"cases"`
}

func main() {
	var all truth
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	fmt.Printf("{\"names\": %s,\n\"cases\": [\n", line(all.Names))
	for i, c := range all.Cases {
		value, err := evaluate(c, all.Names[c.Kind])
		c.Value, c.Error = value, ""
		if err != nil {
			c.Value, c.Error = nil, strings.SplitN(err.Error(), "\n", 2)[0]
		}
		end := ","
		if i == len(all.Cases)-1 {
			end = ""
		}
		fmt.Println(line(c) + end)
	}
	fmt.Println("]}")
}

func line(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSpace(text.String())
}

func evaluate(c testCase, names map[string]any) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	switch c.Kind {
	case "expr":
		return expression(c.Source, names)
	case "when":
		return condition(c.Source)
	case "tags":
		return tags(c, names)
	}
	return nil, fmt.Errorf("unknown kind %q", c.Kind)
}

func expression(source string, names map[string]any) (any, error) {
	scope := env.GetFuncMap(names)
	program, err := expr.Compile(source, expr.Env(scope))
	if err != nil {
		return nil, err
	}
	result, err := expr.Run(program, scope)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(result)
	return json.RawMessage(text), err
}

// condition is what the controller does with `when`: bare words become strings.
func condition(source string) (any, error) {
	if source == "" {
		return true, nil
	}
	parsed, err := govaluate.NewEvaluableExpression(source)
	if err != nil {
		return nil, err
	}
	tokens := parsed.Tokens()
	for i := range tokens {
		if tokens[i].Kind == govaluate.VARIABLE {
			tokens[i].Kind = govaluate.STRING
		}
	}
	if parsed, err = govaluate.NewEvaluableExpressionFromTokens(tokens); err != nil {
		return nil, err
	}
	result, err := parsed.Evaluate(nil)
	if err != nil {
		return nil, err
	}
	if _, ok := result.(bool); !ok {
		return nil, fmt.Errorf("no boolean: %v", result)
	}
	return result, nil
}

func tags(c testCase, names map[string]any) (any, error) {
	logger := logging.NewSlogLoggerCustom(logging.Error, logging.JSON, io.Discard)
	ctx := logging.WithLogger(context.Background(), logger)
	text, err := json.Marshal(c.Source)
	if err != nil {
		return nil, err
	}
	var replaced string
	if len(c.Strict) == 1 && c.Strict[0] == "*" {
		replaced, err = template.Replace(ctx, string(text), names, false)
	} else {
		replaced, err = template.ReplaceStrictAny(ctx, string(text), names, c.Strict)
	}
	if err != nil {
		return nil, err
	}
	var result string
	err = json.Unmarshal([]byte(replaced), &result)
	return result, err
}
