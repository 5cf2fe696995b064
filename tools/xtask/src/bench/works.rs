//! What is timed on both sides, and the ratio to reach.

/// Where a work is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Processor,
    Gpu,
    Both,
}

/// One work.
pub struct Work {
    /// What both sides call it.
    pub name: &'static str,
    pub what: &'static str,
    /// Largest ratio of our time to PyTorch's.
    pub goal: f64,
    pub dtype: &'static str,
    on: On,
}

/// Runs a side makes before the other's turn, of works that train and of those a robot waits for.
pub const REPEATS: [usize; 2] = [3, 30];

impl Work {
    /// Runs a side makes in a turn.
    pub fn repeats(&self) -> usize {
        let waited_for = self.name.contains("forward_1") || self.name.starts_with("denoise");
        REPEATS[usize::from(waited_for)]
    }

    /// Whether gradients are part of it.
    pub fn learns(&self) -> bool {
        let parts = ["backward", "step", "adamw", "training"];
        parts.iter().any(|part| self.name.contains(part))
    }

    pub fn is_on(&self, gpu: bool) -> bool {
        self.on == On::Both || (self.on == On::Gpu) == gpu
    }
}

pub const WORKS: [Work; 22] = [
    Work {
        name: "resnet_forward_16",
        what: "ResNet-18 GroupNorm forward 16 x 96x96",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "resnet_backward_16",
        what: "ResNet-18 GroupNorm forward+backward 16 x 96x96",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "resnet_backward_8",
        what: "ResNet-18 GroupNorm forward+backward 8 x 224x224",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "vit_forward_1",
        what: "ViT-S/14 forward 224x224, batch 1",
        goal: 0.8,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "unet_small_forward_1",
        what: "U-Net 64/128/256 forward, batch 1",
        goal: 0.7,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "unet_small_backward_64",
        what: "U-Net 64/128/256 forward+backward, batch 64",
        goal: 0.8,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "unet_large_forward_1",
        what: "U-Net 256/512/1024 forward, batch 1",
        goal: 0.7,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "unet_large_backward_64",
        what: "U-Net 256/512/1024 forward+backward, batch 64",
        goal: 0.8,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "adamw_ema_large",
        what: "AdamW + EMA step, U-Net 256/512/1024",
        goal: 0.5,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "adamw_ema_large_fused",
        what: "the same against PyTorch's AdamW(fused=True)",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "vision_backward_64",
        what: "demo's vision encoder forward+backward, 64 x 64x64",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "efficientnet_forward_16",
        what: "EfficientNet-Lite0 forward 16 x 112x112",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "sinkhorn_scaling",
        what: "Sinkhorn, 32 of 64x64, 50 iterations, scaling",
        goal: 0.1,
        dtype: "f64",
        on: On::Processor,
    },
    Work {
        name: "sinkhorn_log",
        what: "Sinkhorn, 32 of 64x64, 50 iterations, log-domain",
        goal: 0.5,
        dtype: "f64",
        on: On::Processor,
    },
    Work {
        name: "denoise_8",
        what: "eight denoising steps, U-Net 64/128/256, batch 1",
        goal: 0.7,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "denoise_8_large",
        what: "eight denoising steps, U-Net 256/512/1024, batch 1",
        goal: 0.7,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "unet_large_forward_1_bf16",
        what: "U-Net 256/512/1024 forward, batch 1",
        goal: 1.0,
        dtype: "bf16",
        on: On::Gpu,
    },
    Work {
        name: "denoise_8_large_bf16",
        what: "eight denoising steps, U-Net 256/512/1024, batch 1",
        goal: 1.0,
        dtype: "bf16",
        on: On::Gpu,
    },
    Work {
        name: "resnet_unet_step_64",
        what: "training step, ResNet-18 and U-Net 256/512/1024, batch 64",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "resnet_unet_step_8",
        what: "the same, batch 8",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "policy_step",
        what: "demo's training step: forward, backward, AdamW, EMA",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
    Work {
        name: "training_100",
        what: "a hundred steps of the demo's training, whole",
        goal: 1.0,
        dtype: "f32",
        on: On::Both,
    },
];
