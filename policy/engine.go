package policy

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/cache"
)

//go:embed *.rego
var modules embed.FS

// What the engine asks the Rego modules for. The two are asked in one query, so that the second finds what the first has worked out.
const (
	decisionQuery = `decision = data.iam.decision.decision`
	reasonsQuery  = `decision = data.iam.decision.decision; reasons = [reason | reason = data.iam.decision.reasons[_]]`

	decisionVar = ast.Var("decision")
	reasonsVar  = ast.Var("reasons")
)

// maxCachedPatterns bounds the compiled patterns that are kept from one decision to the next, so that a stream of cases that all have patterns of
// their own does not fill the memory.
const maxCachedPatterns = 10_000

// Engine answers cases. It compiles the Rego modules once and is safe for concurrent use.
type Engine struct {
	compiler *ast.Compiler
	store    storage.Store
	patterns cache.InterQueryValueCache
	decision preparedQuery
	reasons  preparedQuery
}

type preparedQuery struct {
	body     ast.Body
	compiler ast.QueryCompiler
}

// New compiles the evaluator. An error means that the modules built into the program are broken.
func New(ctx context.Context) (*Engine, error) {
	return newEngine(ctx, modules)
}

func newEngine(ctx context.Context, files fs.FS) (*Engine, error) {
	sources, err := readModules(files)
	if err != nil {
		return nil, fmt.Errorf("reading the evaluator's Rego modules: %w", err)
	}
	compiler := ast.NewCompiler()
	if compiler.Compile(sources); compiler.Failed() {
		return nil, fmt.Errorf("compiling the evaluator's Rego modules: %w", compiler.Errors)
	}
	size := maxCachedPatterns
	engine := &Engine{
		compiler: compiler,
		store:    inmem.New(),
		patterns: cache.NewInterQueryValueCache(ctx, &cache.Config{
			InterQueryBuiltinValueCache: cache.InterQueryBuiltinValueCacheConfig{MaxNumEntries: &size},
		}),
	}
	if engine.decision, err = prepare(compiler, decisionQuery); err != nil {
		return nil, err
	}
	if engine.reasons, err = prepare(compiler, reasonsQuery); err != nil {
		return nil, err
	}
	return engine, nil
}

// readModules parses every Rego file but the tests.
func readModules(files fs.FS) (map[string]*ast.Module, error) {
	names, err := fs.Glob(files, "*.rego")
	if err != nil {
		return nil, err
	}
	parsed := map[string]*ast.Module{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		module, err := ast.ParseModuleWithOpts(path.Base(name), string(text), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, err
		}
		parsed[name] = module
	}
	return parsed, nil
}

func prepare(compiler *ast.Compiler, query string) (preparedQuery, error) {
	parsed, err := ast.ParseBodyWithOpts(query, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return preparedQuery{}, fmt.Errorf("parsing the query %q: %w", query, err)
	}
	queryCompiler := compiler.QueryCompiler()
	body, err := queryCompiler.Compile(parsed)
	if err != nil {
		return preparedQuery{}, fmt.Errorf("preparing the query %q: %w", query, err)
	}
	return preparedQuery{body: body, compiler: queryCompiler}, nil
}

// Decide answers a case, with the reasons. A malformed case is an error of type MalformedError, never a decision. A nil error comes with one of the four
// decisions; with an error the decision is Undetermined.
func (e *Engine) Decide(ctx context.Context, question Case) (Result, error) {
	input, err := question.value()
	if err != nil {
		return Result{Decision: Undetermined}, err
	}
	return e.evaluate(ctx, input, true)
}

// DecideJSON answers a case given as JSON, as in one line of `gate simulate`. The id is the case's own as far as it could be read, also beside an
// error; nil where the case has none. Errors are as Decide's.
func (e *Engine) DecideJSON(ctx context.Context, line []byte, withReasons bool) (id *string, result Result, err error) {
	id, input, err := readCase(line)
	if err != nil {
		return id, Result{Decision: Undetermined}, err
	}
	result, err = e.evaluate(ctx, input, withReasons)
	return id, result, err
}

// evaluate asks the Rego modules. Nothing that happens inside OPA reaches the caller as a panic: a case that breaks it is an error like any other.
func (e *Engine) evaluate(ctx context.Context, input ast.Value, withReasons bool) (result Result, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			result = Result{Decision: Undetermined}
			err = fmt.Errorf("the evaluator broke on this case: %v", broken)
		}
	}()
	result.Decision = Undetermined
	if err := ctx.Err(); err != nil {
		return result, err
	}
	txn, err := e.store.NewTransaction(ctx)
	if err != nil {
		return result, fmt.Errorf("preparing the evaluation: %w", err)
	}
	defer e.store.Abort(ctx, txn)

	prepared := e.decision
	if withReasons {
		prepared = e.reasons
	}
	query := topdown.NewQuery(prepared.body).
		WithQueryCompiler(prepared.compiler).
		WithCompiler(e.compiler).
		WithStore(e.store).
		WithTransaction(txn).
		WithInput(ast.NewTerm(input)).
		WithInterQueryBuiltinValueCache(e.patterns)
	if ctx.Done() != nil {
		cancel := topdown.NewCancel()
		defer context.AfterFunc(ctx, cancel.Cancel)()
		query = query.WithCancel(cancel)
	}

	var decision, reasons *ast.Term
	err = query.Iter(ctx, func(answer topdown.QueryResult) error {
		if decision != nil {
			return errors.New("more than one decision")
		}
		decision, reasons = answer[decisionVar], answer[reasonsVar]
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case err != nil:
		return result, fmt.Errorf("evaluating the case: %w", err)
	case decision == nil:
		return result, errors.New("evaluating the case: the Rego modules gave no decision")
	}
	answered, err := asDecision(decision.Value)
	if err != nil {
		return result, err
	}
	if withReasons {
		if err := ast.As(reasons.Value, &result.Reasons); err != nil {
			return result, fmt.Errorf("evaluating the case: reasons of an unexpected shape: %w", err)
		}
	}
	result.Decision = answered
	return result, nil
}

func asDecision(value ast.Value) (Decision, error) {
	if s, ok := value.(ast.String); ok {
		switch decision := Decision(s); decision {
		case Allowed, ExplicitlyDenied, ImplicitlyDenied, Undetermined:
			return decision, nil
		}
	}
	return Undetermined, fmt.Errorf("evaluating the case: the Rego modules gave the unknown decision %v", value)
}
