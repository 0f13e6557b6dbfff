// SPDX-License-Identifier: GPL-2.0

//! Frames of memory, and the model of it that they belong to.

use crate::units::Pfn;

/// Device memory, as a model of the checker has it.
pub trait Model {
    /// What is in the CPU caches of the pages goes to stable storage.
    fn flush(&self, first: Pfn, pages: usize);
}

#[derive(Clone, Copy)]
pub struct Frames<'a> {
    first: Pfn,
    pages: usize,
    model: &'a dyn Model,
}

impl<'a> Frames<'a> {
    pub fn new(first: Pfn, pages: usize, model: &'a dyn Model) -> Self {
        Self {
            first,
            pages,
            model,
        }
    }

    pub fn first(self) -> Pfn {
        self.first
    }

    pub fn pages(self) -> usize {
        self.pages
    }

    pub fn up_to(self, pages: usize) -> Self {
        Self {
            pages: pages.clamp(1, self.pages),
            ..self
        }
    }

    pub fn flush(self) {
        self.model.flush(self.first, self.pages);
    }
}
