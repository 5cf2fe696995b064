use crate::case::{Case, FORWARD};
use apprentice_nn::{AdamW, AdamWConfig, Linear};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

struct After<'a> {
    case: &'a Case,
    path: Vec<String>,
}

impl ModuleVisitor for After<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = format!("after.{}", self.path.join("."));
        self.case.same(&name, param.val(), FORWARD);
    }
}

/// Six steps from weights that come from a file: what was loaded must also learn.
fn steps(name: &str, clip_norm: Option<f32>) {
    let case = Case::open(name);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut module = case.weights(Linear::new(7, 5, &mut rng, &case.device));
    let mut optimizer = AdamW::new(AdamWConfig {
        weight_decay: 0.1,
        clip_norm,
        ..AdamWConfig::default()
    });
    for _ in 0..6 {
        let out = module.forward(case.tensor("x"));
        let gradients = (out.clone() * out).sum().backward();
        let gradients = GradientsParams::from_grads(gradients, &module);
        module = optimizer.step(module, gradients, 0.02);
    }
    module.visit(&mut After {
        case: &case,
        path: Vec::new(),
    });
}

#[test]
fn adamw_matches() {
    steps("adamw", None);
}

#[test]
fn adamw_clipped_by_the_whole_gradient_matches() {
    steps("adamw_clipped", Some(0.5));
}
