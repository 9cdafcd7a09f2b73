// Package codegen turns a feature configuration and a model configuration into
// two Python modules: transform_module.py for TensorFlow Transform
// (preprocessing_fn) and trainer_module.py for TensorFlow Recommenders (run_fn).
//
// Everything is computed from one typed program (Program): both modules, the
// widths and parameter counts the page shows, and the manifest. A key the
// transform writes and the trainer reads comes from the same field, so they
// cannot differ.
//
// It promises:
//   - the same input gives the same bytes: no time, no map order, no environment;
//   - every finding about an input at once, as fields of one problem;
//   - names a person chose reach Python only through Literal, as data, or through
//     comment, reduced to [A-Za-z0-9_.-]; identifiers and keys are synthetic
//     (f00, f00_norm, qx00), and manifest.json maps them back;
//   - modules that run unchanged in stock TFX 1.16.
//
// It refuses inputs whose program would not train: it never guesses a missing
// transform and never drops a feature.
package codegen
